import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { START_MS } from '../test/fleet.js';
import { AUDIENCE, ISSUER, type Issuer, makeIssuer, tokenFor } from '../test/issuer.js';
import { TOKEN_ALGORITHMS, type TokenIssuer, makeTokenVerifier } from './licence-token.js';

const issuers = await Promise.all(TOKEN_ALGORITHMS.map((algorithm) => makeIssuer(algorithm)));
const [eddsa] = issuers as [Issuer];
const verify = makeTokenVerifier([eddsa.configuration], { devices: 5 });
const nowS = Math.floor(START_MS / 1000);

function refusal(token: string, verifier = verify) {
  return verifier(token, START_MS).then(
    () => 'taken',
    (error: { code: string; message: string }) => {
      // Nothing of the token is told.
      for (const part of token.split('.').filter(Boolean)) {
        expect(error.message).not.toContain(part);
      }
      return error.code;
    },
  );
}

describe('a licence token', () => {
  it.each(issuers.map((issuer) => [issuer.algorithm, issuer] as const))(
    'signed with %s is taken',
    async (_, issuer) => {
      const token = await tokenFor(issuer, { sub: 'licence-1' });
      const licence = { issuer: ISSUER, subject: 'licence-1', devices: 1 };
      expect(await makeTokenVerifier([issuer.configuration])(token, START_MS)).toEqual(licence);
    },
  );

  it('says how many devices it enrols, up to a bound', async () => {
    const claiming = async (devices: unknown) =>
      refusal(await tokenFor(eddsa, { onlysum_devices: devices }));
    const five = await verify(await tokenFor(eddsa, { onlysum_devices: 5 }), START_MS);
    expect(five.devices).toBe(5);
    for (const wrong of [0, 6, -1, 1.5, '5', null, [5]]) {
      expect([wrong, await claiming(wrong)]).toEqual([wrong, 'token-invalid']);
    }
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'https://other.example' }, 'token-invalid'],
    ['without an issuer', { iss: undefined }, 'token-invalid'],
    ['for another audience', { aud: 'another' }, 'token-invalid'],
    ['without an audience', { aud: undefined }, 'token-invalid'],
    ['without a subject', { sub: undefined }, 'token-invalid'],
    ['with an empty subject', { sub: '' }, 'token-invalid'],
    ['without a time', { iat: undefined }, 'token-invalid'],
    ['without an end', { exp: undefined }, 'token-invalid'],
    ['that has expired', { exp: nowS - 31 }, 'token-expired'],
    ['too old', { iat: nowS - 7 * 86_400 - 31 }, 'token-expired'],
    ['from the future', { iat: nowS + 31 }, 'token-invalid'],
    ['not valid yet', { nbf: nowS + 31 }, 'token-invalid'],
  ])('%s is refused', async (_, claims, code) => {
    expect(await refusal(await tokenFor(eddsa, claims))).toBe(code);
  });

  it('is taken if clocks differ by little', async () => {
    for (const claims of [{ exp: nowS - 29 }, { iat: nowS + 29 }, { nbf: nowS + 29 }]) {
      expect(await refusal(await tokenFor(eddsa, claims))).toBe('taken');
    }
  });

  it('by a stranger, with another algorithm, without a signature, or edited is refused', async () => {
    const stranger = await makeIssuer('EdDSA');
    expect(await refusal(await tokenFor(stranger))).toBe('token-invalid');
    const token = await tokenFor(eddsa);
    const [head = '', claims = '', signature = ''] = token.split('.');
    const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = json({ alg: 'none' });
    const forged = [
      `${none}.${claims}.`,
      `${none}.${claims}.${signature}`,
      `${head}.${json({ iss: ISSUER, sub: 'other' })}.${signature}`,
      `${head}.${claims}.`,
      `${head}.${claims}`,
      'no token',
      'x'.repeat(8193),
    ];
    for (const text of forged) expect(await refusal(text)).toBe('token-invalid');
    // The public key as a shared secret, which a library that takes any algorithm falls for.
    const secret = Buffer.from(String(eddsa.configuration.keys.keys[0]?.['x']), 'base64url');
    const hmac = await new SignJWT({ sub: 'a' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + 60)
      .sign(secret);
    expect(await refusal(hmac)).toBe('token-invalid');
    // An algorithm that the registrar knows and this issuer does not use.
    const narrow = { ...issuers[2]!.configuration, algorithms: ['PS256'] as const };
    const rs256 = await tokenFor(issuers[2]!);
    expect(await refusal(rs256, makeTokenVerifier([narrow]))).toBe('token-invalid');
  });

  it('that names no key is tried with each of its issuer’s', async () => {
    const [a, b] = [await makeIssuer('ES256'), await makeIssuer('ES256')];
    const keys = { keys: [...a.configuration.keys.keys, ...b.configuration.keys.keys] };
    const both = makeTokenVerifier([{ ...a.configuration, keys }]);
    for (const issuer of [a, b]) {
      expect(await refusal(await tokenFor(issuer), both)).toBe('taken');
    }
    expect(await refusal(await tokenFor(await makeIssuer('ES256')), both)).toBe('token-invalid');
  });
});

describe('issuers', () => {
  const good = eddsa.configuration;
  const symmetric = { kty: 'oct', k: 'c2VjcmV0' };
  it.each<[string, Partial<Record<keyof TokenIssuer, unknown>>, string]>([
    ['no issuer', { issuer: '' }, 'tokenIssuers[0].issuer'],
    ['no audience', { audience: undefined }, 'tokenIssuers[0].audience'],
    ['no algorithm', { algorithms: [] }, 'tokenIssuers[0].algorithms'],
    ['HS256', { algorithms: ['EdDSA', 'HS256'] }, 'tokenIssuers[0].algorithms'],
    ['none', { algorithms: ['none'] }, 'tokenIssuers[0].algorithms'],
    ['no keys', { keys: { keys: [] } }, 'tokenIssuers[0].keys'],
    ['a shared secret', { keys: { keys: [symmetric] } }, 'tokenIssuers[0].keys.keys[0]'],
  ])('with %s are refused by name', (_, change, field) => {
    const wrong = { ...good, ...change } as TokenIssuer;
    expect(() => makeTokenVerifier([wrong])).toThrow(
      expect.objectContaining({ code: 'argument-invalid', field }),
    );
  });

  it('with a private key are refused, and it is not shown', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    const act = () => makeTokenVerifier([{ ...good, keys: { keys: [jwk] } }]);
    expect(act).toThrow(/tokenIssuers\[0\]\.keys\.keys\[0\]: expected a public key/);
    expect(act).not.toThrow(String(jwk.d));
  });

  it('named twice are refused', () => {
    expect(() => makeTokenVerifier([good, good])).toThrow(/each issuer once/);
  });

  it.each([{ devices: 0 }, { devices: 1001 }, { maxAgeMs: 0 }, { clockToleranceMs: -1 }])(
    'with the limit %j are refused',
    (limits) => {
      expect(() => makeTokenVerifier([good], limits)).toThrow(/tokenLimits\./);
    },
  );
});
