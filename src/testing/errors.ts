import { TlsSmtpError } from '../errors.js';

/**
 * Optional packages that a part of this library stands on are not installed; `cause` is what Node said of them.
 *
 * It stands apart from what loads them: its declaration is public, and must not name types that a user may not have.
 */
export class DependencyMissingError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_DEPENDENCY_MISSING' as const;
  readonly phase = 'configuration' as const;
  readonly fault = 'operator' as const;
  readonly temporary = false;

  /** The npm packages to install, all that the part needs and not only the one that was missed first. */
  readonly packages: readonly string[];

  constructor(packages: readonly string[], options?: ErrorOptions) {
    super(`optional packages are missing, install them: npm install --save-dev ${packages.join(' ')}`, options);
    this.packages = packages;
  }
}
