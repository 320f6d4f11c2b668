/**
 * What Lithops' files say that has no meaning here. It is told once, and nothing else happens: such a file is read by Lithops
 * too. Keys with the same meaning stand in sections.ts.
 */

/** Of sections that we have. */
export const keysWithoutMeaning: Readonly<Record<string, readonly string[]>> = {
  cellfan: [
    "data_cleaner",
    "monitoring",
    "monitoring_interval",
    "data_limit",
    "include_modules",
    "exclude_modules",
    "log_level",
    "log_format",
    "log_stream",
    "log_filename",
    "telemetry",
  ],
  localhost: ["runtime", "version", "max_workers"],
  aws: ["account_id"],
  aws_lambda: [
    "runtime",
    "worker_processes",
    "invoke_pool_threads",
    "remote_invoker",
    "runtime_include_function",
    "account_id",
    "vpc",
    "efs",
  ],
  aws_s3: ["account_id"],
  standalone: [
    "runtime",
    "auto_dismantle",
    "start_timeout",
    "exec_mode",
    "use_gpu",
    "extra_apt_packages",
    "extra_python_packages",
  ],
  ssh: ["ssh_password", "runtime", "worker_processes"],
  gcp_cloudrun: ["min_workers", "worker_processes", "runtime", "trigger", "invoke_pool_threads"],
  knative: [
    "networking_layer",
    "docker_server",
    "docker_user",
    "docker_password",
    "git_url",
    "git_rev",
    "worker_processes",
    "runtime",
    "invoke_pool_threads",
  ],
  code_engine: [
    "namespace",
    "docker_server",
    "docker_user",
    "docker_password",
    "docker_namespace",
    "worker_processes",
    "runtime",
    "connection_retries",
  ],
  gcp_functions: ["worker_processes", "invoke_pool_threads", "trigger"],
  openwhisk: ["runtime", "worker_processes", "invoke_pool_threads"],
  ibm_cos: ["private_endpoint", "api_key", "service_instance_id"],
}

/** Lithops' sections of which we have none. */
export const sectionsWithoutMeaning: readonly string[] = [
  "aws_batch",
  "aws_ec2",
  "gcp_compute_engine",
  "azure",
  "azure_functions",
  "azure_containers",
  "azure_vms",
  "azure_storage",
  "ibm_cf",
  "ibm_vpc",
  "aliyun",
  "aliyun_fc",
  "aliyun_oss",
  "oracle",
  "oracle_f",
  "oracle_oss",
  "k8s",
  "singularity",
  "serverless",
  "redis",
  "swift",
  "infinispan",
  "infinispan_hotrod",
  "rabbitmq",
  "prometheus",
]

/** Names of a section that mean one of ours. */
export const sectionAliases: Readonly<Record<string, string>> = { lithops: "cellfan", vm: "ssh" }

/** Older names of keys that Lithops still takes. */
export const keyAliases: Readonly<Record<string, string>> = { region_name: "region" }
