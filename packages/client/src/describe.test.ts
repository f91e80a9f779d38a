import { describe as suite, expect, it } from 'vitest';
import { describe } from './index.js';
import { manifest } from '../test/rig.js';

const plain = manifest('wss://sum.test/v1');

suite('describe', () => {
  it('is plain JSON, and the same whenever it is asked', () => {
    const described = describe(plain);
    expect(JSON.parse(JSON.stringify(described))).toEqual(described);
    expect(describe(structuredClone(plain))).toEqual(described);
  });

  it('tells of every group and metric, in the order of the manifest', () => {
    const { groups } = describe(plain);
    expect(groups.map(({ name, essential }) => [name, essential])).toEqual([
      ['essential', true],
      ['performance', false],
    ]);
    expect(groups[0]?.choice).toMatch(/^Always on .* leave/);
    expect(groups[1]?.choice).toMatch(/change at any time/);
    expect(groups.map(({ metrics }) => metrics.map(({ name }) => name))).toEqual([
      ['active', 'crashes', 'edition'],
      ['busy'],
    ]);
    expect(groups[1]).toMatchObject({
      purpose: 'Find slow starts',
      metrics: [
        {
          kind: 'sum',
          purpose: 'Load',
          owner: 'Desktop team',
          recorded: expect.stringContaining('from 0 to 100 s, in steps of 0.5'),
          learned: expect.stringContaining('sum over all devices'),
          retention: 'Results are kept for 30 days, then deleted.',
          access: 'Results may be read by analysts.',
        },
      ],
    });
  });

  it('says how often, what protects, what is final, and who is who', () => {
    const { frequency, protection, finality, parties } = describe(plain);
    expect(frequency).toContain('once an hour');
    expect(protection.masking).toContain('at least 3 devices');
    expect(protection.trust).toContain('at most 10 in 1,000 devices');
    expect(protection).toMatchObject({
      epsilon: null,
      noise: [expect.stringMatching(/^No noise/)],
    });
    expect(finality).toContain('cannot be taken back');
    expect(parties).toMatchObject({
      publisher: { key: plain.publisher },
      registrar: { key: plain.registrar },
      coordinator: { key: plain.coordinator.key, url: 'wss://sum.test/v1' },
    });
  });

  it('gives ε where there is noise', () => {
    const budget = { epsilon: '8', delta: '0', days: 30 };
    const privacy = { mechanism: 'discrete-laplace', epsilon: '0.5', neighbours: 'zero', budget };
    const { protection } = describe({ ...plain, privacy } as typeof plain);
    expect(protection.epsilon).toBe('0.5');
    expect(protection.noise.join(' ')).toContain('ε = 0.5');
  });
});
