package simdev

// XnmNS is the namespace of a Junos configuration.
const XnmNS = "http://xml.juniper.net/xnm/1.1/xnm"

// What a device of the Junos dialect takes, and how its text form is written.
const junosSchema = `
version = string
groups [name] ~
  name = string
  system *
  interfaces *
  protocols *
  routing-options *
apply-groups += string
system
  host-name = string
  domain-name = string
  domain-search += string
  time-zone = string
  authentication-order += string
  no-redirects !
  management-instance !
  location
    country-code = string
    building = string
    rack = uint32
  root-authentication
    encrypted-password = string
    ssh-rsa [name]
      name = string
  name-server [name]
    name = ip
  login
    message = string
    announcement = string
    retry-options
      tries-before-disconnect = uint8
    class [name]
      name = string
      idle-timeout = uint32
      permissions += string
    user [name]
      name = string
      full-name = string
      uid = uint32
      class = string
      authentication
        encrypted-password = string
        ssh-rsa [name]
          name = string
        ssh-ed25519 [name]
          name = string
  services
    ssh
      root-login = allow|deny|deny-password
      protocol-version += string
      max-sessions-per-connection = uint16
      connection-limit = uint16
      rate-limit = uint16
    netconf
      ssh
        port = uint16
        connection-limit = uint16
        rate-limit = uint16
        client-alive-interval = uint16
        client-alive-count-max = uint8
      rfc-compliant !
      version-1.1 !
      yang-compliant !
      notification
        interleave !
      traceoptions *
    outbound-ssh
      client [name]
        name = string
        device-id = string
        secret = string
        keep-alive
          retry = uint16
          timeout = uint16
        reconnect-strategy = in-order|sticky
        services = string
        servers [name] ~
          name = string
          port = uint16
          retry = uint16
          timeout = uint16
    outbound-https *
    web-management *
    telnet *
    rest *
  syslog
    user [name]
      name = string
      contents [name] ~ ^
        name = string
        emergency !
        any !
    file [name]
      name = string
      contents [name] ~ ^
        name = string
        any !
        info !
        notice !
        warning !
        critical !
    host [name]
      name = string
      contents [name] ~ ^
        name = string
        any !
        info !
        notice !
        warning !
  ntp
    boot-server = ip
    server [name]
      name = string
      key = uint32
      prefer !
  commit
    synchronize !
    persist-groups-inheritance !
  max-configurations-on-flash = uint8
  max-configuration-rollbacks = uint8
  archival *
  license *
  radius-server *
  tacplus-server *
  static-host-mapping *
  ports *
  processes *
  scripts *
  schema *
  internet-options *
  extensions *
chassis *
interfaces
  interface [name] ~
    name = string
    description = string
    disable !
    mtu = uint16
    speed = string
    vlan-tagging !
    flexible-vlan-tagging !
    encapsulation = string
    hold-time *
    gigether-options *
    ether-options *
    aggregated-ether-options *
    unit [name]
      name = uint32
      description = string
      disable !
      vlan-id = uint16
      family &
        inet
          mtu = uint16
          address [name]
            name = prefix
            primary !
            preferred !
          filter
            input
              filter-name = string ~
            output
              filter-name = string ~
          dhcp !
        inet6
          mtu = uint16
          address [name]
            name = prefix
        iso
          address [name]
            name = string
        mpls
          mtu = uint16
        ethernet-switching *
  interface-range *
snmp
  name = string
  description = string
  location = string
  contact = string
  community [name]
    name = string
    authorization = read-only|read-write
    clients [name] ~
      name = string
  trap-group *
routing-options
  router-id = ip
  autonomous-system
    as-number = uint32 ~
  static
    route [name] ^
      name = prefix
      next-hop += string
      discard !
      reject !
      preference
        metric-value = uint32 ~
      no-readvertise !
  rib *
  forwarding-table *
protocols
  bgp
    group [name]
      name = string
      type = internal|external
      description = string
      local-address = ip
      peer-as = uint32
      import += string
      export += string
      family *
      multipath *
      neighbor [name]
        name = ip
        description = string
        peer-as = uint32
        local-address = ip
        import += string
        export += string
  ospf
    area [name]
      name = string
      interface [name]
        name = string
        passive !
        metric = uint16
  ospf3 *
  isis
    level [name]
      name = string
      wide-metrics-only !
      disable !
    interface [name]
      name = string
      point-to-point !
      passive !
  lldp
    interface [name]
      name = string
  ldp
    interface [name]
      name = string
  mpls
    interface [name]
      name = string
  rsvp *
  rstp *
  lacp *
  bfd *
policy-options
  prefix-list [name]
    name = string
    prefix-list-item [name] ~
      name = prefix
  community [name]
    name = string
    members += string
  policy-statement [name]
    name = string
    term [name]
      name = string
      from
        protocol += string
        neighbor += string
        interface += string
        prefix-list [name]
          name = string
        community += string
        route-filter [address]
          address = prefix
          exact !
          orlonger !
      then
        accept !
        reject !
        local-preference
          local-preference = uint32 ~
        metric
          metric = uint32 ~
        next-hop
          self !
    then
      accept !
      reject !
  as-path *
firewall
  family &
    inet
      filter [name]
        name = string
        term [name]
          name = string
          from
            source-address [name]
              name = prefix
            destination-address [name]
              name = prefix
            protocol += string
            destination-port += string
            source-port += string
          then
            accept !
            discard
            reject
            count = string
            log !
security *
class-of-service *
forwarding-options *
event-options *
vlans
  vlan [name] ~
    name = string
    description = string
    vlan-id = uint16
    l3-interface = string
routing-instances
  instance [name] ~
    name = string
    description = string
    instance-type = string
    interface [name]
      name = string
    route-distinguisher
      rd-type = string ~
    vrf-target
      community = string ~
    vrf-table-label
bridge-domains *
applications *
access *
switch-options *
services *
multicast-snooping-options *
poe *
ethernet-switching-options *
logical-systems *
dynamic-profiles *
accounting-options *
virtual-chassis *
`

const junosDefault = `<configuration>
<version>23.4R1.9</version>
<system>
  <host-name>HOSTNAME</host-name>
  <time-zone>UTC</time-zone>
  <root-authentication><encrypted-password>$6$lab$notARealHash</encrypted-password></root-authentication>
  <name-server><name>192.0.2.53</name></name-server>
  <login>
    <user><name>admin</name><full-name>Lab operator</full-name><uid>2000</uid><class>super-user</class></user>
  </login>
  <services><ssh><root-login>deny</root-login></ssh><netconf><ssh><port>830</port></ssh></netconf></services>
  <syslog><file><name>messages</name><contents><name>any</name><notice/></contents></file></syslog>
  <ntp><server><name>192.0.2.123</name></server></ntp>
</system>
<interfaces>
  <interface><name>ge-0/0/0</name><description>uplink to core</description><mtu>9192</mtu>
    <unit><name>0</name><family><inet><address><name>192.0.2.2/30</name></address></inet><mpls/></family></unit></interface>
  <interface><name>ge-0/0/1</name><description>customer &amp; lab</description>
    <unit><name>0</name><family><inet><address><name>198.51.100.1/24</name></address></inet></family></unit></interface>
  <interface><name>ge-0/0/2</name><disable/></interface>
  <interface><name>lo0</name><unit><name>0</name><family><inet><address><name>203.0.113.1/32</name></address></inet></family></unit></interface>
</interfaces>
<snmp><location>rack 4, row B</location><community><name>lab</name><authorization>read-only</authorization></community></snmp>
<routing-options>
  <router-id>203.0.113.1</router-id>
  <autonomous-system><as-number>64512</as-number></autonomous-system>
  <static><route><name>0.0.0.0/0</name><next-hop>192.0.2.1</next-hop></route></static>
</routing-options>
<protocols>
  <bgp><group><name>ebgp</name><type>external</type><peer-as>64513</peer-as>
    <neighbor><name>192.0.2.1</name><description>core-r1</description></neighbor></group></bgp>
  <lldp><interface><name>all</name></interface></lldp>
</protocols>
</configuration>`
