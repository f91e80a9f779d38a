/** A self-signed Ed25519 certificate for tests, in PEM. RFC 5280, RFC 8410. */
import { generateKeyPairSync, sign } from 'node:crypto';

export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
}

export function selfSigned(notBefore: Date, notAfter: Date): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const algorithm = tlv(0x30, Buffer.from('06032b6570', 'hex'));
  const name = tlv(
    0x30,
    tlv(0x31, tlv(0x30, Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.from('localhost')))),
  );
  const body = tlv(
    0x30,
    tlv(0x02, Buffer.of(1)),
    algorithm,
    name,
    tlv(0x30, time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = tlv(0x03, Buffer.of(0), sign(null, body, privateKey));
  const der = tlv(0x30, body, algorithm, signature);
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** GeneralizedTime. */
function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(`${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`));
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), value]);
}
