/**
 * A client for one command of `onlysum device`.
 * Knows: where its manifest, its record and its registrar are. Doesn't know: what the command does.
 */
import { type Client, createClient } from '@onlysum/client';
import { fileStore, nodeTransport } from '@onlysum/client/node';
import { invalidField, UsageError } from '@onlysum/crypto';
import { nativeSuite } from '@onlysum/crypto/node';
import type { RecordedValue } from '@onlysum/metrics';
import { accumulate, findMetric } from '@onlysum/metrics';
import type { Manifest, Metric, Task } from '@onlysum/task';
import type { Command } from 'commander';
import { loadConfiguration } from './configuration.js';
import { inFile, readJson } from './files.js';
import {
  httpUrlFlag,
  invalidFlag,
  keyFlag,
  pathFlag,
  repeated,
  required,
  settingFlag,
} from './flags.js';
import { note } from './output.js';
import { loadTask } from './tasks.js';
import type { Terminal } from './terminal.js';

export interface DeviceFlags {
  readonly config?: string;
  readonly manifest?: string;
  readonly publisher?: string;
  readonly registrarUrl?: string;
  readonly store?: string;
  readonly json?: true;
}

export interface ValueFlags extends DeviceFlags {
  readonly set?: (readonly [string, string])[];
  readonly optIn?: string[];
}

export function addDeviceFlags(command: Command, { cwd }: Terminal): Command {
  return command
    .option('--config <file>', 'configuration (default: onlysum.yaml if there is one)')
    .option('--manifest <file>', 'signed manifest', pathFlag('--manifest', cwd))
    .option('--publisher <hex>', "publisher's public key to trust", keyFlag('--publisher'))
    .option('--registrar-url <url>', 'where the registrar is', httpUrlFlag('--registrar-url'))
    .option('--store <file>', "this device's durable record", pathFlag('--store', cwd));
}

export function addValueFlags(command: Command): Command {
  return command
    .option(
      '--set <name=value>',
      'a value to record; may be repeated',
      repeated(settingFlag('--set')),
    )
    .option(
      '--opt-in <group>',
      'give an optional consent group; may be repeated',
      repeated((group) => group),
    );
}
