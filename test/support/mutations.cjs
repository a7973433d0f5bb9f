/**
 * Faults that the tests must notice. Each names a line that a promise hangs on, what it becomes, and the spec that has
 * to fail then. A line that no longer exists fails the mutation check itself.
 */
exports.MUTATIONS = {
  'the log without its lock': {
    file: 'src/releases/release-log.ts',
    find: "await manager.query('SELECT pg_advisory_xact_lock($1, $2)', [...ADVISORY_LOCKS.log]);",
    replace: '',
    spec: 'test/log.spec.ts',
  },
  'a publish that is not checked again when what it read has moved': {
    file: 'src/releases/release-log.ts',
    find: 'revision > proposal.basis && (includesChanged || proposal.reads.has(key))',
    replace: 'revision > proposal.basis && proposal.releases.some(({ layer }) => layerKey(layer) === key)',
    spec: 'test/log.spec.ts',
  },
};
