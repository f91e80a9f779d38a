/** Scrolls sideways by itself where its content is too wide, so that the page never does. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** What scrolls must be reached by keyboard, and then needs a name; what does not is no stop. */
export function Scroller({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const isTooWide = useSignal(false);
  useEffect(() => {
    const node = holder.current;
    if (node === null) return undefined;
    const resizes = new ResizeObserver(() => {
      isTooWide.value = node.scrollWidth > node.clientWidth;
    });
    resizes.observe(node);
    for (const child of node.children) resizes.observe(child);
    return () => resizes.disconnect();
  }, []);
  return (
    <div
      class="scroll"
      ref={holder}
      {...(isTooWide.value
        ? { tabIndex: 0, role: 'group', 'aria-label': `${label}, scrolls` }
        : {})}
    >
      {children}
    </div>
  );
}
