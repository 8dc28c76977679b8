// A SHA-256 that one sees the begin of and copies whole.
import { copy } from '../shell/keys.ts';
import { Icon } from './icons.tsx';

export const Checksum = ({ of: sha256 }: { of: string }) => (
  <button type="button" class="link" title={sha256} onClick={() => copy(sha256, 'The checksum is copied')}><code>{sha256.slice(0, 20)}…</code> <Icon name="copy" /></button>
);
