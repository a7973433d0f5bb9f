/** How this library introduces itself to the server; a spec holds it equal to the package's manifest. */
export const LIBRARY = '@trimtab/client 0.1.0';
