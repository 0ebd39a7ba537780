<#
.SYNOPSIS
Files of a folder are as an archive holds them.
.DESCRIPTION
.wincnode-archive.json in the folder tells of each file which archive it came from, and its SHA-256;
so a file that was changed is told from one that was not without the archive.
.NOTES
Source: tar.exe is part of Windows since build 17063, learn.microsoft.com/virtualization/community/team-blog/2017/20171219-tar-and-curl-come-to-windows
Source: it is bsdtar, which tells a zip by itself, github.com/libarchive/libarchive tar/bsdtar.1
#>
function Read-WnArchive([string]$Folder) {
    $rows = @{}
    if (-not [IO.File]::Exists("$Folder\.wincnode-archive.json")) { return $rows }
    $found = ConvertFrom-Json -InputObject ([IO.File]::ReadAllText("$Folder\.wincnode-archive.json"))
    foreach ($p in $found.PSObject.Properties) { $rows[$p.Name] = [ordered]@{ archive = $p.Value.archive; sha256 = $p.Value.sha256 } }
    $rows
}
function Get-WnArchive {
    param([hashtable]$Key, [hashtable]$Want)
    $rows = Read-WnArchive $Key['path']
    $archives = @(foreach ($file in $Key['files']) {
            $name = $file.Split('/')[-1]
            $path = $Key['path'] + '\' + $name
            if ($rows.ContainsKey($name) -and [IO.File]::Exists($path) -and (Get-WnHash $path) -eq $rows[$name].sha256) { $rows[$name].archive } else { '' }
        })
    # What is unpacked takes the place of what has its name.
    $values = @{ there = @(foreach ($file in $Key['files']) { if ([IO.File]::Exists($Key['path'] + '\' + $file.Split('/')[-1])) { $file.Split('/')[-1] } }) }
    $all = @($archives | Sort-Object -Unique)
    if ($all.Count -eq 1 -and $all[0]) { $values['sha256'] = $all[0] }
    @{ state = 'settled'; values = $values }
}
function Set-WnArchive {
    param([hashtable]$Key, [hashtable]$Want, [hashtable]$Have)
    if (-not [IO.File]::Exists($Want['source'])) { throw "There is no archive $($Want['source'])." }
    if ((Get-WnHash $Want['source']) -ne $Want['sha256']) { throw "$($Want['source']) has not the SHA-256 $($Want['sha256'])." }
    $folder = $Key['path']
    $closed = New-Object -TypeName Security.AccessControl.DirectorySecurity
    $closed.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    $beside = "$folder\.wincnode-unpacked"
    if ([IO.Directory]::Exists($beside)) { [IO.Directory]::Delete($beside, $true) }
    $null = [IO.Directory]::CreateDirectory($beside, $closed)
    try {
        $null = & "$env:SystemRoot\System32\tar.exe" -xf $Want['source'] -C $beside @($Key['files'])
        if ($LASTEXITCODE) { throw "tar.exe ended with $LASTEXITCODE." }
        $rows = Read-WnArchive $folder
        foreach ($file in $Key['files']) {
            $name = $file.Split('/')[-1]
            $new = $beside + '\' + $file.Replace('/', '\')
            if (-not [IO.File]::Exists($new)) { throw "The archive has no file $file." }
            $rows[$name] = [ordered]@{ archive = $Want['sha256']; sha256 = (Get-WnHash $new) }
            Move-WnInPlace $new "$folder\$name"
        }
        $sorted = [ordered]@{}
        foreach ($name in @($rows.Keys | Sort-Object)) { $sorted[$name] = $rows[$name] }
        $json = "$beside\.wincnode-archive.json"
        [IO.File]::WriteAllText($json, (ConvertTo-Json -InputObject $sorted -Compress))
        Move-WnInPlace $json "$folder\.wincnode-archive.json"
    } finally { [IO.Directory]::Delete($beside, $true) }
}
