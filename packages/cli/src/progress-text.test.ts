import { expect, it } from 'vitest';
import { progressLine } from './progress-text.js';

it('is a sentence, with what the coordinator said made harmless', () => {
  expect(progressLine({ stage: 'masked', detail: undefined })).toBe('Sent the masked values.');
  expect(progressLine({ stage: 'waiting', detail: '2 more\u001b[2K\n devices' })).toBe(
    'Waiting for a round: 2 more[2K  devices.',
  );
});
