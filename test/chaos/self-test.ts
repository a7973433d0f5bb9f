/** Placeholder until the mutants are in. */
export async function selfTest(_say: (line: string) => void): Promise<boolean> {
  return Promise.resolve(true);
}
