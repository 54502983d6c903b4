"""The gateway of a server: HAProxy, which lets programs of the company ask models, told what to do.

gateway_service   the gateway as a service of a server, and its container
gateway_control   telling a gateway what to do, and reading back whether it does
state_files       a gateway state as JSON beside the configuration
haproxy_files     a gateway state as the files that HAProxy reads
haproxy_frontend  what a consumer's request goes through
haproxy_text      the configuration's fixed parts, and what may be written into it
runtime_api       what is asked of a HAProxy that runs, and what it answers
certificates      an authority of the company's own, and the certificates it gives
"""
