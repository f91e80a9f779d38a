/**
 * The coordinator's public address. Plain ws:// is for the machine itself only: beyond it TLS is
 * what keeps an onlooker from learning who takes part.
 */

// The standard parser of Node and browsers; the build's type library names neither.
declare const URL: new (
  text: string,
) => {
  readonly protocol: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly hash: string;
};

const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether `value` is a wss:// URL, or a ws:// URL of a loopback host, without user or fragment. */
export function checkUrl(value: unknown): boolean {
  // Printable ASCII only: the parser would silently drop tabs and line ends.
  if (typeof value !== 'string' || !/^wss?:\/\/[!-~]{1,2000}$/.test(value)) return false;
  try {
    const { protocol, hostname, username, password } = new URL(value);
    if (username !== '' || password !== '' || value.includes('#')) return false;
    return protocol === 'wss:' || LOOPBACK.test(hostname);
  } catch {
    return false;
  }
}
