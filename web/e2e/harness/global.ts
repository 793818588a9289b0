/** Runs once for all files: builds the binary and tells the tests where it is. */
import type { TestProject } from 'vitest/node';
import { buildBinary } from './binary';

declare module 'vitest' {
  export interface ProvidedContext {
    binary: string;
  }
}

export default function setup(project: TestProject): () => void {
  const binary = buildBinary();
  project.provide('binary', binary.path);
  return binary.remove;
}
