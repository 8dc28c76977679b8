export const ROLES = ['viewer', 'operator', 'admin'] as const;
const MAY = { viewer: 'sees everything but users, keys and audit', operator: 'and acts on runs, jobs and endpoints', admin: 'and changes users and keys' };

export function RoleField() {
  return (
    <fieldset class="field"><legend>Role</legend>
      {ROLES.map((role) => <label key={role} class="check"><input type="radio" name="role" value={role} defaultChecked={role === 'viewer'} /><b>{role}</b> <span class="muted">{MAY[role]}</span></label>)}
    </fieldset>
  );
}
