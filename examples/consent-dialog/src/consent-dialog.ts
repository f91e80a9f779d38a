/**
 * A consent dialog made from a task's description. Knows: markup, focus, the user's choice while the
 * dialog is open. Doesn't know: the sentences, values, how a choice is kept.
 * Invariant: nothing changes until a button is pressed; Escape changes nothing.
 */
import type {
  ClientConsent,
  GroupDescription,
  MetricDescription,
  TaskDescription,
} from '@onlysum/client';
import { element } from './element.js';

export type Choice = 'decline-all' | 'save' | 'accept-all' | 'leave' | 'none';

export interface ConsentDialog {
  /** Shows what is given now, and lets the user change it. */
  open(): void;
}

/**
 * @param dialog - empty; filled once.
 * @param consent - changed when the user chooses.
 * @param onClosed - told what the user chose, after consent has it; `leave` is for the host to carry out.
 */
export function consentDialog(
  dialog: HTMLDialogElement,
  { groups, frequency, protection, finality, parties }: TaskDescription,
  consent: ClientConsent,
  onClosed: (choice: Choice) => void,
): ConsentDialog {
  const switches = new Map<string, HTMLInputElement>();
  const close = (choice: Choice) => (): void => dialog.close(choice);
  const title = element(
    'h2',
    { id: 'consent-title', tabindex: '-1', autofocus: true },
    'What may this editor measure?',
  );
  const intro = element('p', { id: 'consent-intro' }, protection.masking, ' ', frequency);
  const protectionDetails = element(
    'details',
    {},
    element('summary', {}, 'How this is protected, and by whom'),
    ...[...protection.noise, protection.trust, finality].map((text) => element('p', {}, text)),
    facts([
      ['Publisher', parties.publisher.does],
      ['Registrar', parties.registrar.does],
      ['Coordinator', `${parties.coordinator.does} (${new URL(parties.coordinator.url).host})`],
    ]),
  );
  dialog.setAttribute('aria-labelledby', title.id);
  dialog.setAttribute('aria-describedby', intro.id);
  dialog.append(
    element(
      'div',
      { class: 'scroll' },
      title,
      intro,
      ...groups.map((group) => groupFields(group, switches, close('leave'))),
      protectionDetails,
    ),
    element(
      'div',
      { class: 'choices' },
      button('Decline all optional', close('decline-all')),
      button('Save choices', close('save')),
      button('Accept all', close('accept-all')),
    ),
  );
  dialog.addEventListener('close', () => {
    const choice = (dialog.returnValue || 'none') as Choice;
    for (const [group, input] of switches) {
      if (choice === 'decline-all') consent.set(group, false);
      if (choice === 'accept-all') consent.set(group, true);
      if (choice === 'save') consent.set(group, input.checked);
    }
    onClosed(choice);
  });
  return {
    open: () => {
      for (const [group, input] of switches) input.checked = consent.isGiven(group);
      dialog.returnValue = '';
      dialog.showModal();
    },
  };
}

function groupFields(
  { name, purpose, essential, choice, metrics }: GroupDescription,
  switches: Map<string, HTMLInputElement>,
  leave: () => void,
): HTMLElement {
  const title = name.charAt(0).toUpperCase() + name.slice(1).replace(/[-_]/g, ' ');
  const purposeText = element('p', { id: `purpose-${name}`, class: 'purpose' }, purpose);
  const choiceText = element('p', { id: `choice-${name}`, class: 'choice' }, choice);
  const described = `${purposeText.id} ${choiceText.id}`;
  const fields = element('fieldset', {}, element('legend', {}, title));
  if (essential) {
    fields.append(element('span', { class: 'always' }, 'Always on'));
  } else {
    const input = element('input', {
      type: 'checkbox',
      role: 'switch',
      'aria-describedby': described,
    });
    switches.set(name, input);
    fields.append(element('label', {}, `Share ${title.toLowerCase()}`, input));
  }
  fields.append(purposeText, choiceText, ...metrics.map(metricDetails));
  if (essential) {
    const attributes = { class: 'quiet', 'aria-describedby': choiceText.id };
    fields.append(button('Leave, and send nothing at all', leave, attributes));
  }
  return fields;
}

function metricDetails(metric: MetricDescription): HTMLElement {
  return element(
    'details',
    {},
    element('summary', {}, metric.purpose),
    facts([
      ['Recorded', metric.recorded],
      ['What becomes known', metric.learned],
      ['Kept', metric.retention],
      ['Read by', metric.access],
      ['Responsible', metric.owner],
    ]),
  );
}

function facts(rows: readonly (readonly [term: string, text: string])[]): HTMLElement {
  const pairs = rows.map(([term, text]) =>
    element('div', {}, element('dt', {}, term), element('dd', {}, text)),
  );
  return element('dl', {}, ...pairs);
}

function button(
  label: string,
  onClick: () => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', onClick);
  return made;
}
