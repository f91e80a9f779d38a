/** Every attack, in the order of the table in docs/threat-model.md. */
import { askedTwice } from './asked-twice.js';
import type { Attack } from './attack.js';
import { bothKinds } from './both-kinds.js';
import { connections } from './connections.js';
import { copiedKeys } from './copied-keys.js';
import { cutDown } from './cut-down.js';
import { differentSharedSets } from './different-shared-sets.js';
import { differentSurvivorSets } from './different-survivor-sets.js';
import { gatheredAround } from './gathered-around.js';
import { lyingDevices } from './lying-devices.js';
import { malformed } from './malformed.js';
import { oneChannelKey } from './one-channel-key.js';
import { replays } from './replays.js';
import { slowReader } from './slow-reader.js';
import { spentBudget } from './spent-budget.js';
import { swappedNeighbours } from './swapped-neighbours.js';
import { thinnedOut } from './thinned-out.js';
import { twiceInAWindow } from './twice-in-a-window.js';
import { twoOpenRosters } from './two-open-rosters.js';
import { twoSubmits } from './two-submits.js';

export const attacks: readonly Attack[] = [
  ...swappedNeighbours,
  ...gatheredAround,
  ...differentSharedSets,
  ...copiedKeys,
  ...oneChannelKey,
  ...differentSurvivorSets,
  ...bothKinds,
  ...thinnedOut,
  ...cutDown,
  ...twiceInAWindow,
  ...twoSubmits,
  ...spentBudget,
  ...askedTwice,
  ...twoOpenRosters,
  ...replays,
  ...lyingDevices,
  ...malformed,
  ...connections,
  ...slowReader,
];
