/**
 * Addresses of servers. Plain ws:// and http:// are for the machine itself only: beyond it TLS is what
 * keeps an onlooker from learning who takes part. One rule for every package and role.
 */

// The standard parser of Node and browsers; the build's type library names neither.
interface ParsedUrl {
  readonly href: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly search: string;
}
declare const URL: new (text: string) => ParsedUrl;

const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/;
// Printable ASCII only: the parser would silently drop tabs and line ends.
const FORM = { ws: /^wss?:\/\/[!-~]{1,2000}$/, http: /^https?:\/\/[!-~]{1,2000}$/ } as const;

/** Whether `value` is a wss:// URL, or a ws:// URL of this machine, without user or fragment. */
export function isCoordinatorUrl(value: unknown): boolean {
  return parseSafe('ws', value) !== undefined;
}

/** What {@link registrarBase} takes, for error messages. */
export const REGISTRAR_URL_FORM = 'an https:// URL, or an http:// URL of this machine itself';

/**
 * @param value - an https:// URL, or an http:// URL of this machine, without user, query or fragment.
 * @returns what paths are appended to, without a slash at its end; undefined if `value` is none.
 */
export function registrarBase(value: unknown): string | undefined {
  const url = parseSafe('http', value);
  return url === undefined || url.search !== '' ? undefined : url.href.replace(/\/+$/, '');
}

function parseSafe(scheme: keyof typeof FORM, value: unknown): ParsedUrl | undefined {
  if (typeof value !== 'string' || !FORM[scheme].test(value) || value.includes('#')) {
    return undefined;
  }
  try {
    const url = new URL(value);
    const isSafe = url.protocol === `${scheme}s:` || LOOPBACK.test(url.hostname);
    return isSafe && `${url.username}${url.password}` === '' ? url : undefined;
  } catch {
    return undefined;
  }
}
