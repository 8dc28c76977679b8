// Tabs by the pattern of ARIA: arrows move, the panel belongs to the tab.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { number } from './format.ts';

interface Tab {
  key: string;
  title: string;
  count?: number;
}

export function Tabs({ label, tabs, at, choose, children }: { label: string; tabs: Tab[]; at: string; choose: (key: string) => void; children: ComponentChildren }) {
  const row = useRef<HTMLDivElement>(null);
  const press = (event: KeyboardEvent) => {
    const i = tabs.findIndex((tab) => tab.key === at);
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    choose(tabs[next]!.key);
    row.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={row} onKeyDown={press}>
        {tabs.map((tab) => (
          <button key={tab.key} type="button" role="tab" id={`tab-${tab.key}`} aria-selected={tab.key === at} aria-controls="panel" tabIndex={tab.key === at ? 0 : -1} onClick={() => choose(tab.key)}>
            {tab.title}{tab.count ? <span class="badge">{number(tab.count)}</span> : null}
          </button>
        ))}
      </div>
      <div class="panel" role="tabpanel" id="panel" aria-labelledby={`tab-${at}`}>{children}</div>
    </>
  );
}
