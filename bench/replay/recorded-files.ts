/**
 * A recorded round on disk, so that each process of a replay reads only its part of it: the service's
 * (small) and the devices' (nearly everything).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { RecordedDevice, Recording } from '@onlysum/simulator';

/** All but the devices. */
export type RecordedService = Omit<Recording, 'devices'>;

export function writeRecording(folder: string, { devices, ...service }: Recording): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(serviceFile(folder), serialize(service));
  writeFileSync(devicesFile(folder), serialize(devices));
}

export function readService(folder: string): RecordedService {
  return deserialize(readFileSync(serviceFile(folder))) as RecordedService;
}

export function readDevices(folder: string): readonly RecordedDevice[] {
  return deserialize(readFileSync(devicesFile(folder))) as readonly RecordedDevice[];
}

function serviceFile(folder: string): string {
  return `${folder}/service.v8`;
}

function devicesFile(folder: string): string {
  return `${folder}/devices.v8`;
}
