/**
 * The demo: a registrar, a coordinator and a fleet of devices, each in processes of their own, one round
 * on real input, and the check that only and exactly the sum came out.
 * Knows: the order of things. Doesn't know: protocol, sockets, tables.
 * Invariant: whatever happens, every process it started is ended and its folder is removed.
 */
import { randomInt } from 'node:crypto';
import { checkReceipt } from '@onlysum/client';
import { OnlysumError, RoundError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import { estimateTotals } from '@onlysum/metrics';
import { compileLayout, dropoutBound, type Layout } from '@onlysum/task';
import { dropCount } from './assumptions.js';
import { compareLanes, type DeviceRecord, falsify, includedDevices } from './check.js';
import { Children, firstJson } from './children.js';
import { planDrops } from './drops.js';
import { prepareDump, writeDump } from './dump.js';
import { Fleet } from './fleet.js';
import { OPTIONAL_GROUP } from './manifest.js';
import { firstResult, type OpenedResult, survivorPlaces } from './opened-result.js';
import { checkCorruptLane, checkDevices, type DemoOptions } from './options.js';
import { type BrowserVersion, drawVersions, regionVersions } from './population.js';
import { complaints, type Findings, renderReport, type Witness } from './report.js';
import { summarise } from './summary.js';
import { within } from './waiting.js';
import type { DevicePlan } from './worker-messages.js';
import { makeWorkspace, type Workspace } from './workspace.js';
