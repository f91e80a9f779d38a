/**
 * The page: an editor of which only the tool buttons are there, its client, and the dialog.
 * Everything it records it has measured here, and none of it leaves: nothing is ever submitted.
 */
import { createClient, describe, memoryStore } from '@onlysum/client';
import { type Choice, consentDialog } from './consent-dialog.js';
import { byId } from './element.js';
import signedManifest from './manifest.signed.json' with { type: 'json' };
import { showPreview } from './preview-table.js';

interface Metrics {
  app_version: string;
  licence_active: boolean;
  startup_ms: number;
  window_width: number;
  processors: number;
  tools: readonly string[];
  tool_uses: number;
}

const client = await createClient<Metrics>({
  manifest: signedManifest,
  // An app pins its own; whatever file it is given must be signed by this key.
  publisherKey: 'd03d2851499d1cb2fb11329616215bd2d83177d6ded94de4b639fe1807eda15d',
  registrarUrl: 'https://registrar.example.com',
  store: memoryStore(),
});
const startupMs = performance.now();
const used = new Set<string>();

const settings = byId('settings', HTMLButtonElement);
const status = byId('status', HTMLElement);
const toolButtons = byId('tools', HTMLElement);

/** What holds for as long as the page is open; kept only of groups that are given. */
function recordFacts(): void {
  client.record('app_version', '2.1');
  client.record('licence_active', true);
  if (!client.consent.isGiven('performance')) return;
  client.record('startup_ms', startupMs);
  client.record('window_width', innerWidth);
  client.record('processors', navigator.hardwareConcurrency);
}

function recordTool(tool: string): void {
  if (!client.consent.isGiven('features')) return;
  used.add(tool);
  client.record('tools', [...used]);
  client.record('tool_uses', 1);
}

function showWhatWouldBeSent(): void {
  const { manifest } = client.task;
  const [body, note] = [byId('preview', HTMLElement), byId('preview-note', HTMLElement)];
  showPreview(body, note, client.preview(), manifest);
}

async function onClosed(choice: Choice): Promise<void> {
  if (choice === 'leave') {
    await client.leave();
    settings.disabled = true;
    for (const tool of toolButtons.querySelectorAll('button')) tool.disabled = true;
  } else {
    recordFacts();
    settings.focus();
  }
  // The client has forgotten it; the page must, too.
  if (!client.consent.isGiven('features') || choice === 'leave') used.clear();
  showWhatWouldBeSent();
  status.textContent = statusText(choice);
  if (choice === 'leave') status.focus();
}

function statusText(choice: Choice): string {
  if (choice === 'leave') {
    return 'You have left. Nothing is recorded or sent any more. Reload the page to start again.';
  }
  const given = client.consent.given().join(', ');
  return `${choice === 'none' ? 'Nothing was changed' : 'Saved'}. Shared now: ${given}.`;
}

const dialog = consentDialog(
  byId('consent', HTMLDialogElement),
  describe(client.task.manifest),
  client.consent,
  (choice) => void onClosed(choice),
);
settings.addEventListener('click', () => dialog.open());
toolButtons.addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  recordTool(target.value);
  showWhatWouldBeSent();
});
recordFacts();
showWhatWouldBeSent();
// Nobody has chosen yet: until then, no optional group is given.
dialog.open();
