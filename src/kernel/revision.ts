/**
 * A position in the one global log: 1, 2, 3, … without holes, in the order of commit. 0 is the empty log.
 * Stored as bigint; a JavaScript number holds it exactly for longer than anyone will publish.
 */
export type Revision = number;
