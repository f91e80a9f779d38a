/**
 * Every label under which something is hashed, signed, or used as HKDF info. One use, one label, so
 * that bytes made for one purpose mean nothing for another. Protocol §2.2.
 */
export const LABELS = {
  manifest: 'onlysum/1 manifest',
  auditEntry: 'onlysum/1 audit entry',
  roundClose: 'onlysum/1 round close',
  apiToken: 'onlysum/1 api token',
  sealKeyId: 'onlysum/1 seal key id',
  sealedPlace: 'onlysum/1 sealed place',
  certificate: 'onlysum/1 certificate',
  code: 'onlysum/1 enrolment code',
  enrolment: 'onlysum/1 enrolment',
  renewal: 'onlysum/1 renewal',
  revocations: 'onlysum/1 revocations',
  windowRequest: 'onlysum/1 window request',
  window: 'onlysum/1 window',
  pool: 'onlysum/1 pool',
  hello: 'onlysum/1 hello',
  advertise: 'onlysum/1 advertise keys',
  rosterRequest: 'onlysum/1 roster request',
  roster: 'onlysum/1 roster',
  graph: 'onlysum/1 graph',
  leaf: 'onlysum/1 roster leaf',
  context: 'onlysum/1 context',
  channelKey: 'onlysum/1 channel key',
  pairSecret: 'onlysum/1 pair secret',
  pairTag: 'onlysum/1 pair tag',
  sharedRequest: 'onlysum/1 shared set request',
  sharedSet: 'onlysum/1 shared set',
  context2: 'onlysum/1 context 2',
  pairStream: 'onlysum/1 pair stream',
  selfStream: 'onlysum/1 self stream',
  selfCommitment: 'onlysum/1 self mask commitment',
  survivorsRequest: 'onlysum/1 survivor set request',
  survivorSet: 'onlysum/1 survivor set',
  closeRequest: 'onlysum/1 close request',
} as const;

export type Label = (typeof LABELS)[keyof typeof LABELS];
