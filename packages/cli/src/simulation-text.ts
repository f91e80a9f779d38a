/** A simulated round as a person reads it, and as rows for a spreadsheet. */
import type { Cost, FleetReport } from '@onlysum/simulator';
import { table } from './output.js';

const CSV_COLUMNS = [
  'stage',
  'devices',
  'device_ms_median',
  'device_ms_total',
  'coordinator_ms',
  'registrar_ms',
  'bytes_up_median',
  'bytes_up_total',
  'bytes_down_median',
  'bytes_down_total',
];

/** A head, then one row a stage, in their order. */
export function simulationCsv({ stages }: FleetReport): string[] {
  const rows = stages.map(({ stage, ...cost }) => {
    const { devices, deviceMs, coordinatorMs, registrarMs, bytesUp, bytesDown } = cost;
    const ms = [deviceMs.median, deviceMs.total, coordinatorMs, registrarMs];
    const bytes = [bytesUp.median, bytesUp.total, bytesDown.median, bytesDown.total];
    return [stage, devices, ...ms.map((each) => each.toFixed(3)), ...bytes].join(',');
  });
  return [CSV_COLUMNS.join(','), ...rows];
}

export function simulationLines(report: FleetReport): string[] {
  const { graph, k, t, assumptions, devices, lanes, vectorBytes, survivors, dropped } = report;
  const name = graph === 'tables' ? `${k / 2} round tables` : 'complete graph';
  const { corrupt, dropout } = assumptions;
  const lost = Object.entries(dropped).filter(([, count]) => count > 0);
  const where = lost.map(([stage, count]) => `${count} at ${stage}`).join(', ');
  return [
    `${name}, k = ${k}, t = ${t}; the manifest has corrupt ${corrupt}, dropout ${dropout} per mille`,
    `${devices} devices, ${lanes} lanes in ${vectorBytes} bytes; dropped: ${where || 'none'}`,
    table(
      [
        'stage',
        'devices',
        'ms a device',
        'ms of all',
        'coordinator',
        'registrar',
        'B up',
        'B down',
      ],
      [
        ...report.stages.map(({ stage, ...cost }) => cells(stage, cost)),
        cells('round', report.round),
      ],
      ['left', ...new Array<'right'>(7).fill('right')],
    ),
    'Medians over the devices that had work; milliseconds of CPU, bytes of messages.',
    report.isExact
      ? `exact: every lane is the plain sum of ${survivors} survivors`
      : `WRONG: the opened sum is not the plain sum of ${survivors} survivors`,
    `transcript  SHA-256 ${report.transcript}`,
  ];
}

function cells(name: string, cost: Cost): (string | number)[] {
  const { devices, deviceMs, coordinatorMs, registrarMs, bytesUp, bytesDown } = cost;
  return [
    name,
    devices,
    deviceMs.median.toFixed(2),
    deviceMs.total.toFixed(0),
    coordinatorMs.toFixed(1),
    registrarMs.toFixed(1),
    bytesUp.median,
    bytesDown.median,
  ];
}
