import { useCell } from '../parts/cell.ts';
import { Dialog } from '../parts/dialog.tsx';
import { help, KEYS } from './keys.ts';

export function Keys() {
  if (!useCell(help)) return null;
  const close = () => (help.value = false);
  return (
    <Dialog label="Keys" kind="keys" close={close}>
      <h2>Keys</h2>
      <dl>{KEYS.map(([key, does]) => <div key={key}><dt>{key.split(' ').map((part) => <kbd key={part}>{part}</kbd>)}</dt><dd>{does}</dd></div>)}</dl>
      <button type="button" onClick={close}>Close</button>
    </Dialog>
  );
}
