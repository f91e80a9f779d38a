/** @onlysum/simulator: in-process fleets on a seeded network, for research, benches and tests. */
export { type CutTask, type SeparatedSet, searchCut } from './cut-search.js';
export {
  type Adversary,
  type ExploreOptions,
  type ExploreReport,
  type Machines,
  explore,
} from './explore.js';
export { DROP_STAGES, type DropStage, type FleetOptions } from './fleet-plan.js';
export { type FleetReport, simulateFleet } from './fleet-simulation.js';
export {
  type NeighbourStudy,
  type StudySize,
  type Tail,
  type TailComparison,
  randomSubset,
  studyInwardPairs,
  studyNeighbours,
  uniformBelow,
} from './graph-study.js';
export { NO_FAULTS, type NetworkFaults } from './network.js';
export type { Party, RoundObserver, RoundStage } from './observer.js';
export type { Cost, PerDevice, StageCost, StageProgress } from './round-meter.js';
export {
  type DeviceMessage,
  type Interruption,
  DEVICE_MESSAGES,
  type Kill,
  type RoundOptions,
  type SimulatedMessage,
  type SimulatedRound,
} from './round-options.js';
export { deviceRandomness } from './device-randomness.js';
export {
  type RecordedDevice,
  type Recording,
  recordFleet,
  recordedParams,
} from './recording.js';
export { simulateRound } from './round.js';
export { type SyntheticTask, type SyntheticTaskOptions, syntheticTask } from './synthetic-task.js';
