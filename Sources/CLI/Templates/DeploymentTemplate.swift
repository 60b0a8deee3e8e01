// What takes a new project to a server: a Dockerfile and a systemd unit. Both run `spacer-serve`, which needs no
// compiler, as a user without rights, with one folder that can be written to.

/// The files for deployment, the same in every template but for names.
enum DeploymentTemplate {
  static func files(_ template: ProjectTemplate, _ name: ProjectName) -> [ProjectFile] {
    [
      ProjectFile(path: "Dockerfile", text: dockerfile(template, name)),
      // The image is made of the artifact alone.
      ProjectFile(path: ".dockerignore", text: "*\n!app.spx\n"),
      ProjectFile(path: unitPath(name), text: unit(template, name)),
    ]
  }

  static func unitPath(_ name: ProjectName) -> String { "config/\(name.lowercased).service" }

  private static func dockerfile(_ template: ProjectTemplate, _ name: ProjectName) -> String {
    let packages = template.needsSQLite ? "curl libsqlite3-0" : "curl"
    return """
      # syntax=docker/dockerfile:1
      # The artifact and the runtime on a small Debian, which must not be older than the machine that made them:
      #   spacer build --release
      #   docker build --build-context spacer="$(dirname "$(command -v spacer)")" -t \(name.lowercased) .
      #   docker run -p 3000:3000 -v \(name.lowercased):/data \(name.lowercased)
      FROM debian:12-slim

      # curl is for the health check; a function that uses `http` needs its library, libcurl4, too.
      RUN apt-get update \\
       && apt-get install -y --no-install-recommends \(packages) \\
       && rm -rf /var/lib/apt/lists/* \\
       && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin spacer \\
       && install -d -o spacer -g spacer /data

      COPY --from=spacer --chmod=755 spacer-serve /usr/local/bin/spacer-serve
      COPY --chmod=644 app.spx /srv/app.spx

      USER spacer
      WORKDIR /data
      VOLUME /data
      ENV SPACER_ENV=production DATA_FOLDER=/data
      EXPOSE 3000
      HEALTHCHECK --interval=10s --timeout=2s --start-period=2s \\
        CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:3000\(template.healthPath)"]
      ENTRYPOINT ["/usr/local/bin/spacer-serve", "/srv/app.spx"]
      CMD ["--port", "3000"]

      """
  }

  private static func unit(_ template: ProjectTemplate, _ name: ProjectName) -> String {
    let service = name.lowercased
    return """
      # The artifact in /opt/\(service), the data in /var/lib/\(service), the runtime where `make install` puts it:
      #   spacer build --release
      #   sudo install -D -m 644 app.spx /opt/\(service)/app.spx
      #   sudo install -m 644 \(unitPath(name)) /etc/systemd/system/
      #   sudo systemctl enable --now \(service)
      # A new artifact is installed the same way, and served without a pause by: sudo systemctl reload \(service)
      [Unit]
      Description=\(name.text), a Spacer application
      Wants=network-online.target
      After=network-online.target

      [Service]
      ExecStart=/usr/local/bin/spacer-serve /opt/\(service)/app.spx --port 3000
      ExecReload=/bin/kill -HUP $MAINPID
      Restart=on-failure
      # Longer than a call may take (limits.wallMilliseconds): the calls in flight are finished.
      TimeoutStopSec=45

      # Settings; secrets go into the file, NAME=VALUE a line, which may be missing.
      Environment=SPACER_ENV=production DATA_FOLDER=%S/\(service)
      EnvironmentFile=-/etc/\(service).env

      # A user that exists only while the service runs, and one folder that it may write to.
      DynamicUser=yes
      StateDirectory=\(service)
      StateDirectoryMode=0700
      WorkingDirectory=%S/\(service)
      UMask=0077
      LimitNOFILE=65536

      # The sandbox: nothing but the network and that folder.
      CapabilityBoundingSet=
      AmbientCapabilities=
      NoNewPrivileges=yes
      ProtectSystem=strict
      ProtectHome=yes
      PrivateTmp=yes
      PrivateDevices=yes
      PrivateUsers=yes
      ProtectClock=yes
      ProtectControlGroups=yes
      ProtectHostname=yes
      ProtectKernelLogs=yes
      ProtectKernelModules=yes
      ProtectKernelTunables=yes
      ProtectProc=invisible
      ProcSubset=pid
      RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
      RestrictNamespaces=yes
      RestrictRealtime=yes
      RestrictSUIDSGID=yes
      RemoveIPC=yes
      LockPersonality=yes
      MemoryDenyWriteExecute=yes
      SystemCallArchitectures=native
      SystemCallFilter=@system-service
      SystemCallFilter=~@privileged @resources
      SystemCallErrorNumber=EPERM

      [Install]
      WantedBy=multi-user.target

      """
  }

  /// A part of every README: what is where.
  static let folders = """
    | folder | |
    |---|---|
    | `app/` | functions, one file each; `app/gateway.lua` says which request runs which |
    | `app/private/` | functions that only this machine and other functions reach |
    | `lib/` | modules for `require` |
    | `config/application.yml` | the application's configuration |
    | `test/` | tests, `test_*.lua` |

    """

  /// A part of every README: how to ship it.
  static func readme(_ template: ProjectTemplate, _ name: ProjectName) -> String {
    let service = name.lowercased
    let migration =
      template.needsSQLite
      ? """

      The tables are made, and brought up to date after a deployment, on the server itself:
      `curl -X POST localhost:3000/private/migrate`, in the container `docker exec CONTAINER curl -X POST
      localhost:3000/private/migrate`.

      """ : ""
    return """
      ## Deployment

      One file is shipped, `app.spx`. `spacer run` serves it, in production mode:

      ```console
      $ spacer build --release
      $ spacer run app.spx --port 8080
      ```

      As a service: `\(unitPath(name))` is a systemd unit, its first lines say how to install it. As a container:

      ```console
      $ docker build --build-context spacer="$(dirname "$(command -v spacer)")" -t \(service) .
      $ docker run -p 3000:3000 -v \(service):/data \(service)
      ```
      \(migration)
      """
  }
}
