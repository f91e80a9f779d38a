/** The three numbers that fix the graph of a cohort, as flags. */
import { MAX_COHORT } from '@onlysum/task';
import { Option } from 'commander';
import { integerFlag } from './flags.js';

/** The smallest cohort that a manifest can name. */
const FEWEST_DEVICES = 3;

export function devicesOption(): Option {
  return new Option('--devices <N>', 'n, devices of the roster').argParser(
    integerFlag('--devices', FEWEST_DEVICES, MAX_COHORT),
  );
}

export function corruptOption(): Option {
  return new Option('--corrupt <G>', 'γ, corrupt devices, per mille').argParser(
    integerFlag('--corrupt', 0, 999),
  );
}

export function dropoutOption(): Option {
  return new Option('--dropout <D>', 'δ, devices that drop out, per mille').argParser(
    integerFlag('--dropout', 0, 999),
  );
}
