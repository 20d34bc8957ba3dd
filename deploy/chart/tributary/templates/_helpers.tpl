{{/* Image by digest, else by tag. */}}
{{- define "tributary.image" -}}
{{- $image := .image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .version }}
{{- end -}}
{{- end -}}

{{/* A value of a map as a text: numbers without an exponent. */}}
{{- define "tributary.text" -}}
{{- if kindIs "float64" . -}}{{ . | int64 | toString | quote }}{{- else -}}{{ . | toString | quote }}{{- end -}}
{{- end -}}

{{/* The name that ingesters' certificates have for each other: they dial addresses. */}}
{{- define "tributary.peer" -}}
tributary-query.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* Settings that follow from others, as a map in YAML. */}}
{{- define "tributary.derived" -}}
{{- if .Values.tls.enabled }}
wire_tls_cert: /etc/tributary/tls/tls.crt
wire_tls_key: /etc/tributary/tls/tls.key
http_tls_cert: /etc/tributary/tls/tls.crt
http_tls_key: /etc/tributary/tls/tls.key
peer_tls_ca: /etc/tributary/tls/ca.crt
peer_tls_name: {{ include "tributary.peer" . }}
{{- end }}
{{- if .Values.identity.enabled }}
auth: token
permissive: {{ .Values.identity.permissive }}
multitenancy: true
policy: /etc/tributary/policy/policy.yaml
peer_token_file: /var/run/tributary/token
{{- end }}
{{- end -}}

{{/* Variables of a ConfigMap: settings, and what is not Tributary's. */}}
{{- define "tributary.variables" -}}
{{- $config := dict -}}
{{- range $name, $value := mergeOverwrite (include "tributary.derived" .root | fromYaml) .part.config -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $config (printf "TRIBUTARY_%s" ($name | upper)) $value -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := mergeOverwrite $config (.part.variables | default dict) }}
{{ $name }}: {{ include "tributary.text" $value }}
{{- end }}
{{- end -}}

{{/* What changes a pod when it changes. */}}
{{- define "tributary.checksum" -}}
{{ include "tributary.variables" . | sha256sum }}
{{- end -}}

{{/* Annotations of pods. */}}
{{- define "tributary.podAnnotations" -}}
# Settings that change make new pods.
checksum/config: {{ include "tributary.checksum" . }}
{{- if not .root.Values.monitoring.enabled }}
# For a Prometheus without its operator.
prometheus.io/scrape: "true"
prometheus.io/port: "3200"
{{- end }}
{{- if .root.Values.tls.enabled }}
prometheus.io/scheme: https
{{- end }}
{{- with .part.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Probes: the ingester answers as soon as it has tried its store, for which it waits a minute. */}}
{{- define "tributary.probes" -}}
startupProbe:
  httpGet: {path: /live, port: http{{ include "tributary.scheme" . }}}
  periodSeconds: 1
  # It waits a minute for its store before it answers, and ends by itself then.
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /ready, port: http{{ include "tributary.scheme" . }}}
  periodSeconds: 5
livenessProbe:
  httpGet: {path: /live, port: http{{ include "tributary.scheme" . }}}
  periodSeconds: 10
  failureThreshold: 6
{{- end -}}

{{- define "tributary.scheme" -}}
{{- if .Values.tls.enabled }}, scheme: HTTPS{{ end -}}
{{- end -}}

{{/* The container's security context: all that a restricted namespace asks for. */}}
{{- define "tributary.security" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- if .runAsUser }}
runAsUser: {{ .runAsUser }}
{{- end }}
{{- if .runAsGroup }}
runAsGroup: {{ .runAsGroup }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Where the container finds its files. */}}
{{- define "tributary.mounts" -}}
{{- if .Values.tls.enabled }}
- {name: tls, mountPath: /etc/tributary/tls, readOnly: true}
{{- end }}
{{- if .Values.identity.enabled }}
- {name: policy, mountPath: /etc/tributary/policy, readOnly: true}
- {name: token, mountPath: /var/run/tributary, readOnly: true}
{{- end }}
{{- if .Values.files }}
- {name: files, mountPath: /etc/tributary/files, readOnly: true}
{{- end }}
{{- end -}}

{{- define "tributary.volumes" -}}
{{- if .Values.tls.enabled }}
- name: tls
  secret: {secretName: {{ .Values.tls.secretName }}}
{{- end }}
{{- if .Values.identity.enabled }}
- name: policy
  configMap: {name: tributary-policy}
# For what ingesters ask each other.
- name: token
  projected:
    sources: [{serviceAccountToken: {audience: tributary, expirationSeconds: 3600, path: token}}]
{{- end }}
{{- if .Values.files }}
- name: files
  configMap: {name: tributary-files}
{{- end }}
{{- end -}}
