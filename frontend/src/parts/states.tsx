// Loading is not empty is not an error is not forbidden is not stale: five looks.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Answer } from '../api/answer.ts';
import { me, type Refusal } from '../api/client.ts';
import { ago } from './format.ts';
import { listed, overAll } from './grants.ts';
import { Icon } from './icons.tsx';
import { useClock } from './times.tsx';

const PATIENCE = 150; // milliseconds before a skeleton shows

export function Loading({ lines = 6, what = 'Loading' }: { lines?: number; what?: string }) {
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), PATIENCE);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class={`skeleton${shown ? '' : ' early'}`} role="status">
      <span class="unseen">{what}</span>
      {Array.from({ length: lines }, (_, i) => <i key={i} class={`w${i % 4}`} />)}
    </div>
  );
}

/** What belongs here, one thing to do, the command that does the same. */
export function Empty({ title, children, command }: { title: string; children?: ComponentChildren; command?: string }) {
  return (
    <div class="notice empty">
      <Icon name="empty" />
      <h2>{title}</h2>
      {children && <div class="said">{children}</div>}
      {command && <pre class="command">{command}</pre>}
    </div>
  );
}

export function Failed({ refusal, again, what }: { refusal: Refusal; again?: () => void; what: string }) {
  const [since] = useState(Date.now());
  useClock(5000);
  const expected = refusal.fact('expected');
  const request = refusal.fact('request');
  return (
    <div class="notice failed" role="alert">
      <Icon name="warn" />
      <h2>{what} cannot be shown</h2>
      <p class="said">{sentence(refusal.message)}</p>
      {expected && <p class="said muted">Expected: {expected}</p>}
      <p class="said">To do: {refusal.fact('to_do') ?? 'try again; if it stays, look in the log of `aimass up`'}</p>
      <p class="muted small">Since {ago(since / 1000)}{request && <> · request <code>{request}</code></>}</p>
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

export function Forbidden({ refusal, what }: { refusal: Refusal; what: string }) {
  const grants = me.value?.grants ?? [];
  const permission = refusal.fact('permission');
  const granted = refusal.facts['granted_by'];
  const by = Array.isArray(granted) ? granted.join(', ') : granted ? String(granted) : 'an admin';
  return (
    <div class="notice forbidden">
      <Icon name="lock" />
      <h2>{what} is not for your role</h2>
      <p class="said">It needs {permission ? <>the permission <code>{permission}</code></> : 'a permission that you do not have'}. It is granted by: {by}.</p>
      {!overAll(grants) && grants.length > 0 && <p class="said">You are {listed(grants)}. What belongs to no project, or to another, needs a grant over it or over everything.</p>}
    </div>
  );
}

/** The last values stay, greyed, until somebody answers again. */
export function Stale({ at }: { at: number }) {
  useClock(1000);
  return (
    <p class="stale-note" role="status">
      <span class="mark warning" aria-hidden="true">◌</span> No data for {Math.max(1, Math.round((Date.now() - at) / 1000))} s, trying again
    </p>
  );
}

/** VALUE of an answer where there is one; else what stands in its way. */
export function Shown<T>({ of, what, lines, children }: { of: Answer<T>; what: string; lines?: number; children: (value: T) => ComponentChildren }) {
  const { value, refusal } = of;
  if (refusal?.status === 403) return <Forbidden refusal={refusal} what={what} />;
  if (value === undefined) return refusal && refusal.status !== 401 ? <Failed refusal={refusal} again={of.again} what={what} /> : <Loading what={`Loading ${what}`} {...(lines && { lines })} />;
  if (!refusal) return <>{children(value)}</>;
  return (
    <div class="stale">
      <Stale at={of.at} />
      <div class="greyed">{children(value)}</div>
    </div>
  );
}

export const sentence = (text: string): string => {
  const head = /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text; // a name stays as it is written
  return /[.!?…]$/.test(head) ? head : `${head}.`;
};
