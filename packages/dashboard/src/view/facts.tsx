/** Terms and what they are, side by side; one below the other where it is narrow. */
import type { ComponentChildren, JSX } from 'preact';

export type Fact = readonly [term: string, value: ComponentChildren];

export function Facts({ facts }: { readonly facts: readonly Fact[] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Numbers that are looked for first. */
export function Tiles({ facts }: { readonly facts: readonly Fact[] }): JSX.Element {
  return (
    <dl class="tiles">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
