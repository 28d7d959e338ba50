// The package as it was built, found by its own name, as whoever installs it finds it.
export * from '@cstar/client';
