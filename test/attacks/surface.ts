/**
 * What an attack gets: every package's front door, and the formulas that an attacker would write for
 * itself from docs/protocol.md. Bundled as it is, or with one check removed; see weakened-build.ts.
 */
export * from '@onlysum/crypto';
export { nativeSuite } from '@onlysum/crypto/node';
export * from '@onlysum/protocol';
export * from '@onlysum/simulator';
export { type Task, verifySignedManifest, windowAt } from '@onlysum/task';
export * as clientSide from '@onlysum/client/node';
export * as registrarSide from '@onlysum/registrar';
export * as coordinatorSide from '@onlysum/coordinator';
export { registrarOf } from '../../packages/client/src/record.js';
export { reserve } from '../../packages/client/src/reservation.js';
export { checkOptions as checkCoordinatorOptions } from '../../packages/coordinator/src/options.js';
export { listen } from '../../packages/coordinator/src/server.js';
export { advertiseStatement } from '../../packages/protocol/src/device/advertise.js';
export { encodeLeaf, encodeNeighbours, rosterLeaves } from '../../packages/protocol/src/leaf.js';
export {
  channelKey,
  pairMask,
  pairSecret,
  pairTag,
  removeMasks,
  selfMask,
} from '../../packages/protocol/src/masking.js';
export { addPacked } from '../../packages/protocol/src/packing.js';
