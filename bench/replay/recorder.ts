/** The process that records a round: `recorder.ts FOLDER OPTIONS` with the fleet's options as JSON. */
import { nativeSuite } from '@onlysum/crypto/node';
import { type FleetOptions, recordFleet } from '@onlysum/simulator';
import { writeRecording } from './recorded-files.js';

const [folder = '', text = ''] = process.argv.slice(2);
const options = JSON.parse(text) as Omit<FleetOptions, 'suite' | 'graph'>;
writeRecording(folder, recordFleet({ ...options, graph: undefined, suite: nativeSuite }));
