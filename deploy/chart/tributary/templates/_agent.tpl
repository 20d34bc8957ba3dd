{{/* The receivers' ports: name, number, protocol. */}}
{{- define "tributary.receivers" -}}
- {name: otlp-grpc, port: 4317, protocol: TCP}
- {name: otlp-http, port: 4318, protocol: TCP}
- {name: jaeger-compact, port: 6831, protocol: UDP}
- {name: jaeger-binary, port: 6832, protocol: UDP}
- {name: jaeger-http, port: 14268, protocol: TCP}
- {name: jaeger-grpc, port: 14250, protocol: TCP}
- {name: jaeger-sampling, port: 5778, protocol: TCP}
- {name: zipkin, port: 9411, protocol: TCP}
{{- end -}}
