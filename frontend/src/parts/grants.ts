// What a grant is over, in words.
interface Granted {
  scope: string;
  role: string;
}

/** "everything", "project churn", "source churn/calls". */
export function spoken(scope: string): string {
  return scope === '*' ? 'everything' : scope.replace(':', ' ');
}

/** GRANTS as a sentence has them: "viewer over project churn and operator over source churn/calls". */
export function listed(grants: readonly Granted[]): string {
  return grants.map(({ scope, role }) => `${role} over ${spoken(scope)}`).join(' and ');
}

/** Whether something of GRANTS is over everything. */
export function overAll(grants: readonly Granted[]): boolean {
  return grants.some(({ scope }) => scope === '*');
}
