import { describe, expect, it } from 'vitest';
import { manifest } from '../test/rig.js';
import { Recorder } from './recorder.js';

const given = new Set(['essential', 'performance']);
const recorder = () => new Recorder(manifest('wss://sum.test'), (group) => given.has(group));
const kept = (own: Recorder) => Object.fromEntries(own.values());

describe('a recorder', () => {
  it('adds counts and sums, and lets the last value count of others', () => {
    const own = recorder();
    own.record('crashes', 2);
    own.record('crashes', 3);
    own.record('busy', 0.5);
    own.record('busy', 0.25);
    own.record('edition', 'free');
    own.record('edition', 'pro');
    own.record('active', false);
    own.record('active', true);
    expect(kept(own)).toEqual({ crashes: 5, busy: 0.75, edition: 'pro', active: true });
  });

  it('keeps apart what a round has taken, and loses nothing when it fails', () => {
    const own = recorder();
    own.record('crashes', 2);
    own.record('edition', 'free');
    expect(Object.fromEntries(own.take())).toEqual({ crashes: 2, edition: 'free' });
    expect(kept(own)).toEqual({});
    own.record('crashes', 1);
    own.record('edition', 'pro');
    own.giveBack();
    expect(kept(own)).toEqual({ crashes: 3, edition: 'pro' });
    own.giveBack();
    expect(kept(own)).toEqual({ crashes: 3, edition: 'pro' });
  });

  it('drops only what was sent', () => {
    const own = recorder();
    own.record('crashes', 2);
    own.take();
    own.record('crashes', 1);
    own.drop();
    own.giveBack();
    expect(kept(own)).toEqual({ crashes: 1 });
  });

  it('does not give back what the user has taken away meanwhile', () => {
    const own = recorder();
    own.record('busy', 1);
    own.record('crashes', 1);
    own.take();
    given.delete('performance');
    own.forget('performance');
    own.record('busy', 2);
    own.giveBack();
    expect(kept(own)).toEqual({ crashes: 1 });
    given.add('performance');
  });
});
