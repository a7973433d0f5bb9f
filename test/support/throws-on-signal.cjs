// Loaded before anything else, it lets a test provoke a defect: an error that nobody catches.
process.on('SIGUSR2', () => {
  setImmediate(() => {
    throw new Error('a defect');
  });
});
