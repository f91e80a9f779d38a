/**
 * Results as files: what the API gives, with the dictionary that explains every column.
 * A link could not send the token, so the answer is fetched and then saved.
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { TaskView } from '../api/contract.js';
import { request } from '../session.js';
import { saveFile } from '../view/save-file.js';

interface Props {
  readonly task: TaskView;
  readonly window: number;
  /** Of the chosen window and of all that are shown; Unix ms. */
  readonly chosen: readonly [fromMs: number, toMs: number];
  readonly all: readonly [fromMs: number, toMs: number];
}

export function Downloads({ task, window, chosen, all }: Props): JSX.Element {
  const range = useSignal<'chosen' | 'all'>('chosen');
  const outcome = useSignal('');
  const path = `/tasks/${task.taskId}`;
  const results = (format: string): string => {
    const [from, to] = range.value === 'chosen' ? chosen : all;
    return `${path}/results?from=${from}&to=${to}&format=${format}`;
  };
  const stem = (): string =>
    `${task.name}-v${task.version}-${range.value === 'chosen' ? `window-${window}` : 'windows'}`;
  const save = async (name: string, load: () => Promise<Blob>): Promise<void> => {
    outcome.value = 'Downloading…';
    try {
      saveFile(name, await load());
      outcome.value = `Saved as ${name}.`;
    } catch (error) {
      outcome.value = `Not saved: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const text = async (at: string, accept: string): Promise<string> =>
    (await request(at, { accept })).text();
  const csv = (at: string) => async (): Promise<Blob> =>
    new Blob([await text(at, 'text/csv')], { type: 'text/csv' });
  const both = async (): Promise<Blob> => {
    const [rows, dictionary] = await Promise.all([
      text(results('json'), 'application/json'),
      text(`${path}/dictionary?format=json`, 'application/json'),
    ]);
    return new Blob([`{"dictionary":${dictionary},\n"results":${rows}}\n`], {
      type: 'application/json',
    });
  };
  return (
    <section class="card" aria-labelledby="downloads-title">
      <h2 id="downloads-title">Download</h2>
      <p class="muted">
        One row a number, with its error. The dictionary says what every column and metric means.
        Each download is an entry of the audit log.
      </p>
      <fieldset class="choice">
        <legend>Windows</legend>
        <Radio
          label={`Window ${window}`}
          value="chosen"
          chosen={range.value}
          onChoose={(to) => (range.value = to)}
        />
        <Radio
          label="All in the list above"
          value="all"
          chosen={range.value}
          onChoose={(to) => (range.value = to)}
        />
      </fieldset>
      <div class="buttons">
        <button type="button" onClick={() => void save(`${stem()}.csv`, csv(results('csv')))}>
          Results, CSV
        </button>
        <button
          type="button"
          onClick={() =>
            void save(`${task.name}-dictionary.csv`, csv(`${path}/dictionary?format=csv`))
          }
        >
          Dictionary, CSV
        </button>
        <button type="button" onClick={() => void save(`${stem()}.json`, both)}>
          Both, JSON
        </button>
      </div>
      <p class="help" role="status">
        {outcome.value}
      </p>
    </section>
  );
}

function Radio({
  label,
  value,
  chosen,
  onChoose,
}: {
  readonly label: string;
  readonly value: 'chosen' | 'all';
  readonly chosen: string;
  readonly onChoose: (value: 'chosen' | 'all') => void;
}): JSX.Element {
  return (
    <label>
      <input
        type="radio"
        name="download-windows"
        checked={chosen === value}
        onChange={() => onChoose(value)}
      />
      {label}
    </label>
  );
}
