// May the reader do this?  The server decides; the console only spares a click that it would refuse.

export interface Holder {
  role: string;
  permissions: string[];
}

/** PERMISSION "" is for everybody who is signed in. */
export function allows(holder: Holder | null | undefined, permission = ''): boolean {
  if (!holder) return false;
  return permission === '' || holder.permissions.includes(permission);
}
