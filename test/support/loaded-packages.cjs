// Loaded before anything else, it writes on exit which packages of OpenTelemetry the process has loaded.
process.on('exit', () => {
  const files = Object.keys(require.cache).filter((file) => file.includes('@opentelemetry'));
  const packages = new Set(files.map((file) => /@opentelemetry[/\\]([^/\\]+)/.exec(file)[1]));
  process.stdout.write(`loaded: ${[...packages].sort().join(' ')}\n`);
});
