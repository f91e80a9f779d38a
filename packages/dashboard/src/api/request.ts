/**
 * Requests to the coordinator that served this page. Knows: the path, the token's header, how errors look.
 * Doesn't know: who is signed in.
 * Invariant: a token is sent to this page's own origin only, in a header, never in an address.
 */

/** Relative, so that the page also works below a path. */
const API = 'api/v1';

/** What the API refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** A row of docs/errors.md. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/**
 * @param path - below the API's base, with its query, beginning with `/`.
 * @returns a response of status 2xx.
 * @throws {ApiError} for any other, and if there is none.
 */
export async function requestApi(
  token: string,
  path: string,
  { method = 'GET', body, accept = 'application/json', signal }: ApiRequest = {},
): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept };
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(new URL(`${API}${path}`, document.baseURI), {
      method,
      headers,
      credentials: 'omit',
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'unreachable', 'The coordinator cannot be reached.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string } };
    if (typeof error?.code === 'string' && typeof error.message === 'string') {
      return new ApiError(status, error.code, error.message);
    }
  } catch {
    // A proxy in between may answer with a page.
  }
  return new ApiError(status, `http-${status}`, `The coordinator answered with status ${status}.`);
}
