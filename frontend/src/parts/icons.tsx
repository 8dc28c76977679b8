// Drawn here, in lines of the text's colour, on 16 x 16.
const PATHS: Record<string, string> = {
  home: 'M2.5 7.5 8 3l5.5 4.5V13a.5.5 0 0 1-.5.5H9.75v-4h-3.5v4H3a.5.5 0 0 1-.5-.5Z',
  data: 'M8 2.5c3 0 5 .8 5 2s-2 2-5 2-5-.8-5-2 2-2 5-2ZM3 4.5v3.6c0 1.1 2 2 5 2s5-.9 5-2V4.5M3 8v3.5c0 1.2 2 2 5 2s5-.8 5-2V8',
  sources: 'M8 2v6M5.5 5.5 8 8l2.5-2.5M2.5 9v4.5h11V9',
  runs: 'M2 11.5 5.5 7l2.7 3L14 3.5M2 14h12',
  jobs: 'M2.5 4h11M2.5 8h11M2.5 12h6M11 10.5l3 1.8-3 1.8Z',
  models: 'M8 2 13.5 5v6L8 14l-5.5-3V5ZM2.5 5 8 8l5.5-3M8 8v6',
  ledgers: 'M2.5 3h11M2.5 6.5h7M2.5 10h9M2.5 13.5h5M13.5 6.5h.01M13.5 13.5h.01',
  serving: 'M3 3h10v4H3ZM3 9h10v4H3ZM5.5 5h.01M5.5 11h.01',
  playground: 'M5 2.5h6M6.5 2.5v4L3 12.2a.9.9 0 0 0 .8 1.3h8.4a.9.9 0 0 0 .8-1.3L9.5 6.5v-4M5 9.5h6',
  users: 'M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.5 2.8a2.4 2.4 0 0 1 0 4.4M12 9.7c1.5.6 2.5 1.9 2.5 3.8',
  keys: 'M10.5 2.5a3 3 0 1 1-2.7 4.3L2.5 12v1.5H5V12h1.5v-1.5H8l1-1',
  carry: 'M2.5 5 8 2.5 13.5 5v6L8 13.5 2.5 11ZM8 11V6.5M6 8.5l2-2 2 2',
  audit: 'M4 2.5h8v11H4ZM6 5.5h4M6 8h4M6 10.5h2.5',
  parameters: 'M2.5 4.5h6M12 4.5h1.5M10.2 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM2.5 11.5H4M7.5 11.5h6M5.8 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z',
  subsystems: 'M2.5 2.5h4.5v4.5H2.5ZM9 2.5h4.5v4.5H9ZM2.5 9h4.5v4.5H2.5ZM9 11.3h4.5M11.3 9v4.5',
  log: 'M2.5 3.5h3M7.5 3.5h6M2.5 8h3M7.5 8h6M2.5 12.5h3M7.5 12.5h4',
  settings: 'M8 10.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM8 1.8v1.8M8 12.4v1.8M1.8 8h1.8M12.4 8h1.8M3.6 3.6l1.3 1.3M11.1 11.1l1.3 1.3M3.6 12.4l1.3-1.3M11.1 4.9l1.3-1.3',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M8 11.3h.01',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  system: 'M2.5 3h11v7.5h-11ZM6 13.5h4M8 10.5v3',
  light: 'M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.5v1.7M8 12.8v1.7M1.5 8h1.7M12.8 8h1.7M3.4 3.4l1.2 1.2M11.4 11.4l1.2 1.2M3.4 12.6l1.2-1.2M11.4 4.6l1.2-1.2',
  dark: 'M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6Z',
  fold: 'M10 4 6 8l4 4',
  down: 'M4 6.5 8 10.5l4-4',
  right: 'M6 4l4 4-4 4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  columns: 'M2.5 3h11v10h-11ZM6.2 3v10M9.8 3v10',
  table: 'M2.5 3h11v10h-11ZM2.5 6.3h11M2.5 9.6h11M6.2 6.3V13',
  rows: 'M2.5 3.5h11M2.5 12.5h11M8 5.5v5M6.5 7 8 5.5 9.5 7M6.5 9 8 10.5 9.5 9',
  files: 'M3.5 2.5h6l3 3v8h-9ZM9.5 2.5v3h3',
  upload: 'M8 11V3.5M5 6l3-3 3 3M3 10.5v3h10v-3',
  start: 'M8 2v12M2 8h12',
  save: 'M8 2.5v7.5M5 7.5l3 3 3-3M3 13.5h10',
  picture: 'M2.5 3h11v10h-11ZM2.5 11l3.5-3.5 2.5 2.5 2-2 3 3M10.5 5.8h.01',
  copy: 'M5.5 5.5h8v8h-8ZM5.5 10.5h-3v-8h8v3',
  stop: 'M4 4h8v8H4Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  link: 'M6.8 9.2l2.4-2.4M7.2 4.8l1.5-1.5a2.8 2.8 0 0 1 4 4l-1.5 1.5M8.8 11.2l-1.5 1.5a2.8 2.8 0 0 1-4-4l1.5-1.5',
  lock: 'M3.5 7.5h9v6h-9ZM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  warn: 'M8 2.5 14 13.5H2ZM8 6.5v3M8 11.6h.01',
  undo: 'M5.5 3 2.5 6l3 3M2.5 6h6.5a4 4 0 0 1 0 8H6',
  plus: 'M8 3v10M3 8h10',
  play: 'M5 3l8 5-8 5Z',
  compare: 'M2.5 13.5V8M6 13.5v-8M9.5 13.5v-4M13 13.5v-11',
  pin: 'M5.5 2.5h5M6.5 2.5v4l-2.5 3h8l-2.5-3v-4M8 9.5v4.5',
  empty: 'M2.5 9 4.5 3h7l2 6v4h-11ZM2.5 9h3.5l.8 1.5h2.4L10 9h3.5',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name] ?? PATHS['more']!} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
