/** The tree of commands. Knows: what there is. Doesn't know: how an error ends the process. */
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { addAuditGraph } from './commands/audit-graph.js';
import { addAuditHead } from './commands/audit-head.js';
import { addAuditLog } from './commands/audit-log.js';
import { addAuditRound } from './commands/audit-round.js';
import { addAuditVerify } from './commands/audit-verify.js';
import { addConfigCheck } from './commands/config-check.js';
import { addConfigSchema } from './commands/config-schema.js';
import { addCoordinator } from './commands/coordinator.js';
import { addDemo } from './commands/demo.js';
import { addDeviceEnrol } from './commands/device-enrol.js';
import { addDevicePreview } from './commands/device-preview.js';
import { addDeviceReceipts } from './commands/device-receipts.js';
import { addDeviceSubmit } from './commands/device-submit.js';
import { addDeviceVerify } from './commands/device-verify.js';
import { addDoctor } from './commands/doctor.js';
import { addInit } from './commands/init.js';
import { addManifestCheck } from './commands/manifest-check.js';
import { addManifestDiff } from './commands/manifest-diff.js';
import { addManifestInventory } from './commands/manifest-inventory.js';
import { addManifestNotice } from './commands/manifest-notice.js';
import { addManifestSchema } from './commands/manifest-schema.js';
import { addManifestShow } from './commands/manifest-show.js';
import { addManifestSign } from './commands/manifest-sign.js';
import { addManifestTypes } from './commands/manifest-types.js';
import { addParams } from './commands/params.js';
import { addPrivacyEpsilon } from './commands/privacy-epsilon.js';
import { addPrivacySigma } from './commands/privacy-sigma.js';
import { addRegistrar } from './commands/registrar.js';
import { addRegistrarCodes } from './commands/registrar-codes.js';
import { addRegistrarFind } from './commands/registrar-find.js';
import { addRegistrarNewIncarnation } from './commands/registrar-new-incarnation.js';
import { addRegistrarRevoke } from './commands/registrar-revoke.js';
import { addRegistrarRotateKey } from './commands/registrar-rotate-key.js';
import { addResultsReseal } from './commands/results-reseal.js';
import { addSimulate } from './commands/simulate.js';
import { addStatus } from './commands/status.js';
import { addTask } from './commands/task.js';
import { addToken } from './commands/token.js';
import type { Terminal } from './terminal.js';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 the call, a flag or a file has to be changed first.
With --json, standard output carries one JSON value and nothing else.

Examples:
  onlysum demo
  onlysum init telemetry && cd telemetry && onlysum manifest sign
  onlysum device submit --help`;

/** @param exit - takes the exit code of a command that chooses its own. */
export function makeProgram(terminal: Terminal, exit: (code: number) => void): Command {
  const program = new Command('onlysum')
    .description('Sums over a fleet of devices: the server learns the sum, and only the sum.')
    .version(versionOfPackage(), '-V, --version', 'print the version')
    .helpCommand(false)
    // Flags belong to the command they follow: `registrar --json` and `registrar codes --json` differ.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    // Errors are printed in one place, run.ts.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      outputError: () => undefined,
    })
    .addHelpText('after', EXIT_CODES);
  addInit(program, terminal);
  const manifest = program
    .command('manifest')
    .description('Check, sign, compare and explain task manifests.')
    .addHelpText('after', '\nExample:\n  onlysum manifest check manifest.json');
  addManifestCheck(manifest, terminal);
  addManifestSign(manifest, terminal);
  addManifestShow(manifest, terminal);
  addManifestNotice(manifest, terminal);
  addManifestInventory(manifest, terminal);
  addManifestDiff(manifest, terminal, exit);
  addManifestSchema(manifest, terminal);
  addManifestTypes(manifest, terminal);
  const registrar = addRegistrar(program, terminal);
  addRegistrarCodes(registrar, terminal);
  addRegistrarRevoke(registrar, terminal);
  addRegistrarFind(registrar, terminal);
  addRegistrarNewIncarnation(registrar, terminal);
  addRegistrarRotateKey(registrar, terminal);
  addCoordinator(program, terminal);
  addTask(program, terminal);
  addToken(program, terminal);
  const results = program
    .command('results')
    .description("Look after the results in the coordinator's store.")
    .addHelpText('after', '\nExample:\n  onlysum results reseal');
  addResultsReseal(results, terminal);
  const config = program
    .command('config')
    .description('Check onlysum.yaml, and let an editor know its lines.')
    .addHelpText('after', '\nExample:\n  onlysum config check');
  addConfigCheck(config, terminal, exit);
  addConfigSchema(config, terminal);
  addDoctor(program, terminal, exit);
  addStatus(program, terminal, exit);
  const device = program
    .command('device')
    .description('Act as a device: enrol, submit, and see what was sent.')
    .addHelpText('after', '\nExample:\n  onlysum device enrol 0a1b2c-3d4e5f-607182-93a4b5');
  addDeviceEnrol(device, terminal);
  addDeviceSubmit(device, terminal);
  addDevicePreview(device, terminal);
  addDeviceReceipts(device, terminal);
  addDeviceVerify(device, terminal);
  const audit = program
    .command('audit')
    .description('Check again what rounds and servers have left behind.')
    .addHelpText('after', '\nExample:\n  onlysum audit graph --result result.json');
  addAuditGraph(audit, terminal);
  addAuditHead(audit, terminal);
  addAuditLog(audit, terminal);
  addAuditRound(audit, terminal);
  addAuditVerify(audit, terminal);
  const privacy = program
    .command('privacy')
    .description('Plan noise: from a privacy budget to its size, and back.')
    .addHelpText('after', '\nExample:\n  onlysum privacy sigma --epsilon 1 --delta 1e-6');
  addPrivacySigma(privacy, terminal);
  addPrivacyEpsilon(privacy, terminal);
  addParams(program, terminal);
  addSimulate(program, terminal);
  addDemo(program, terminal, exit);
  return program;
}

function versionOfPackage(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
