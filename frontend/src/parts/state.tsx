// The state of a run or a centre: shape, word and colour, never colour alone.
interface Look {
  shape: string;
  tone: 'good' | 'warning' | 'bad' | 'accent' | 'muted';
  word?: string;
}

export const LOOKS: Record<string, Look> = {
  running: { shape: '●', tone: 'accent' },
  queued: { shape: '◌', tone: 'muted' },
  paused: { shape: '‖', tone: 'warning' },
  stopping: { shape: '◍', tone: 'warning' },
  stopped: { shape: '–', tone: 'muted' },
  finished: { shape: '✓', tone: 'good' },
  reused: { shape: '↺', tone: 'good' },
  unchanged: { shape: '=', tone: 'muted' },
  cancelling: { shape: '◍', tone: 'warning' },
  cancelled: { shape: '–', tone: 'muted' },
  failed: { shape: '✕', tone: 'bad' },
  good: { shape: '✓', tone: 'good' },
  warning: { shape: '▲', tone: 'warning' },
  bad: { shape: '✕', tone: 'bad' },
  allowed: { shape: '✓', tone: 'good' },
  disabled: { shape: '–', tone: 'muted' },
  revoked: { shape: '✕', tone: 'muted' },
  expired: { shape: '–', tone: 'muted' },
  serving: { shape: '●', tone: 'good' },
  sharing: { shape: '◐', tone: 'accent' },
  'on trial': { shape: '◑', tone: 'warning' },
  ready: { shape: '●', tone: 'good' },
  loading: { shape: '◌', tone: 'accent' },
  leaving: { shape: '◍', tone: 'muted' },
  refused: { shape: '✕', tone: 'bad' },
  adopted: { shape: '✓', tone: 'good' },
  proposed: { shape: '+', tone: 'accent' },
  rejected: { shape: '–', tone: 'muted' },
  skipped: { shape: '–', tone: 'muted' },
  infeasible: { shape: '▲', tone: 'warning' },
  'not applicable': { shape: '–', tone: 'muted' },
  'not tried': { shape: '◌', tone: 'muted' },
  'not reached': { shape: '◌', tone: 'muted' },
  kept: { shape: '=', tone: 'muted' },
  'too noisy': { shape: '▲', tone: 'warning' },
  'too short': { shape: '◌', tone: 'muted' },
  passed: { shape: '✓', tone: 'good' },
  met: { shape: '✓', tone: 'good' },
  missed: { shape: '✕', tone: 'bad' },
  off: { shape: '–', tone: 'muted' },
  starting: { shape: '◌', tone: 'accent' },
  waiting: { shape: '‖', tone: 'warning' },
  quarantined: { shape: '✕', tone: 'bad' },
  default: { shape: '=', tone: 'muted' },
  changed: { shape: '●', tone: 'accent' },
  pending: { shape: '◌', tone: 'warning' },
  elsewhere: { shape: '▲', tone: 'warning' },
};

export const STATES = ['running', 'finished', 'failed', 'stopped', 'stopping', 'reused', 'unchanged'];
export const GOING = ['running', 'stopping', 'queued', 'paused'];

export function State({ of: state }: { of: string }) {
  const look = LOOKS[state] ?? { shape: '?', tone: 'muted' };
  return <span class={`state ${look.tone}${state === 'running' ? ' going' : ''}`}><span class="shape" aria-hidden="true">{look.shape}</span>{state}</span>;
}
