/**
 * What must hold after a storm, whatever it took: somebody who was left behind makes the run fail, and the sentence says
 * by how much.
 */
export function mustHold(condition, sentence) {
  if (!condition) throw new Error(`Broken in a storm: ${sentence}`);
}
