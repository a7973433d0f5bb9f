import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(__dirname, '..');

/** How things are called whose comparison must take the same time however much of them was right. */
const SECRET = /(?:secret|password|passphrase|token|csrf|nonce|verifier|signature|hmac|mac|otp|pin)$/i;

/** A parser's tokens are pieces of a text. */
const NO_SECRETS = /^src\/documents\//;

const COMPARISONS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);
const COMPARING_METHODS = /^(?:equals|compare|localeCompare|startsWith|endsWith|includes|indexOf)$/;

function nameOf(node: ts.Node): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) return node.argumentExpression.text;
  if (ts.isCallExpression(node)) return nameOf(node.expression).replace(/Of$/, '');
  if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return nameOf(node.expression);
  return '';
}

/** What is known to everybody: whether there is one at all, and what it is made of. */
function isKnown(node: ts.Node): boolean {
  return ts.isLiteralExpression(node) || ts.isTypeOfExpression(node) || node.kind === ts.SyntaxKind.NullKeyword || (ts.isIdentifier(node) && node.text === 'undefined');
}

function comparisonsIn(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const told = (): string => `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${node.getText()}`;
    if (ts.isBinaryExpression(node) && COMPARISONS.has(node.operatorToken.kind)) {
      const { left, right } = node;
      if ([left, right].some((side) => SECRET.test(nameOf(side))) && ![left, right].some(isKnown)) found.push(told());
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && COMPARING_METHODS.test(node.expression.name.text)) {
      const [first] = node.arguments;
      if (first !== undefined && !isKnown(first) && [node.expression.expression, first].some((side) => SECRET.test(nameOf(side)))) found.push(told());
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => path.posix.join(folder, name));
}

/** Each with why it may be. */
const ALLOWED: Readonly<Record<string, string>> = {
  'secret.endsWith(checksumOf(body))': 'follows from the secret itself, and says only whether it was copied whole',
  'concealed.includes(secret)': 'the same',
  'result.includes(secret)': 'looks for secrets in texts of the service that holds them, to leave them out; nobody is told how long it took',
};

it('finds a secret compared in a way that tells how much of it was right', () => {
  for (const line of ['if (given.secret === expected) x();', "if (headers['x-csrf-token'] != csrfTokenOf(s)) x();", 'Buffer.from(a).equals(password);', 'nonce.startsWith(given);', '(state.nonce as string) !== b']) {
    expect(comparisonsIn('x.ts', line)).toHaveLength(1);
  }
  for (const line of ['if (secret === undefined) x();', "if (typeof token !== 'string') x();", "kind === 'token'", 'timingSafeEqual(secret, other)', "token.type === 'seq'", "secret.startsWith('tta_')"]) {
    expect(comparisonsIn('x.ts', line)).toEqual([]);
  }
});

it('compares no secret like that anywhere', () => {
  const found = ['src', 'client/src'].flatMap(sourcesOf).filter((file) => !NO_SECRETS.test(file)).flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return /secret|passw|passphrase|token|csrf|nonce|verifier|signature|mac\b|otp|pin\b/i.test(text) ? comparisonsIn(file, text) : [];
  });
  expect(found.map((one) => one.slice(one.indexOf(' ') + 1)).sort()).toEqual(Object.keys(ALLOWED).sort());
});
