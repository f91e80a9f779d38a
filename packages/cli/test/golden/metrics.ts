/** What is recorded for acme-desktop, version 3: made by `onlysum manifest types`, change the manifest. */
export interface Metrics {
  /** Count licences in use. */
  readonly active: boolean;
  /** Know which channels to test. */
  readonly channel: 'stable' | 'beta' | 'other';
  /** Know which systems to test. */
  readonly system: 'linux' | 'mac' | 'windows' | 'other';
  /** Notice that it crashes. */
  readonly crashes: number;
  /** Know what is used. */
  readonly features: readonly ('export' | 'print' | 'share' | 'other')[];
  /** Know what to test it with. */
  readonly extension: 'alpha' | 'beta-2' | 'gamma' | 'other';
  /** Plan for storage. */
  readonly written_mib: number;
  /** Know whether it runs hot. */
  readonly temperature: number;
  /** Know how much it varies. */
  readonly battery_hours: number;
  /** Know how long a start takes. */
  readonly startup_ms: number;
  /** Know how long most saves take. */
  readonly save_ms: number;
}
