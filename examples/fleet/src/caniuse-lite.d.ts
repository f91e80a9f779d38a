/** caniuse-lite ships no types; these are the parts that population.ts reads. */
declare module 'caniuse-lite' {
  const caniuse: {
    readonly agents: Readonly<
      Record<
        string,
        {
          /** E.g. `Chrome for Android`. */
          readonly browser: string;
          /** By version, Unix time in seconds; null if it is not released. */
          readonly release_date: Readonly<Record<string, number | null>>;
        }
      >
    >;
    /** @returns per cent of page views by browser and version; null for none. */
    region(packed: unknown): Readonly<Record<string, Readonly<Record<string, number | null>>>>;
  };
  export default caniuse;
}

declare module 'caniuse-lite/data/regions/DE.js' {
  const packed: unknown;
  export default packed;
}
