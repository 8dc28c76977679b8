import { call, me } from '../api/client.ts';
import { toast } from './toasts.tsx';

export async function signOut(): Promise<void> {
  try {
    await call('DELETE /session');
    me.value = null;
  } catch (problem) {
    toast(`You are still signed in: ${(problem as Error).message}`, 'bad');
  }
}
