// Compiled by MSBuild at build time (RoslynCodeTaskFactory), also in the projects of those who use the package: netstandard 2.0, no
// reference but MSBuild's own.
using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace TorchZoo.Build
{
    /// <summary>
    /// Writes a copy of libLibTorchSharp.so that also loads where libstdc++ is older than GLIBCXX_3.4.32.
    /// </summary>
    /// <remarks>
    /// An ELF file lists the symbol versions that it needs of each library in the section .gnu.version_r: a chain of Verneed records
    /// (one a library), each with a chain of Vernaux records (one a version). The loader stops at a version that the library lacks
    /// unless the record carries VER_FLG_WEAK. The record in question stands for a single symbol that no relocation refers to.
    /// A file of another shape, or without that record, is copied as it is.
    /// </remarks>
    public class LoadableLibTorchSharp : Task
    {
        private const string TooNew = "GLIBCXX_3.4.32";
        private const uint SectionGnuVersionNeeded = 0x6ffffffe;
        private const ushort VersionFlagWeak = 2;

        [Required]
        public string Source { get; set; }

        [Required]
        public string Destination { get; set; }

        public override bool Execute()
        {
            var temporary = Destination + "." + Guid.NewGuid().ToString("N") + ".tmp";
            try
            {
                var elf = File.ReadAllBytes(Source);
                var found = MarkWeak(elf);
                Directory.CreateDirectory(Path.GetDirectoryName(Destination));
                // A new file, renamed into place: the old one may be a hard link into the package cache or in use.
                File.WriteAllBytes(temporary, elf);
                File.Delete(Destination);
                File.Move(temporary, Destination);
                Log.LogMessage(MessageImportance.Low, found ? "{0}: {1} marked weak" : "{0}: no need of {1}", Destination, TooNew);
                return true;
            }
            catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
            {
                Log.LogError("TorchZoo could not prepare {0} from {1}: {2}", Destination, Source, e.Message);
                return false;
            }
            finally
            {
                if (File.Exists(temporary)) File.Delete(temporary);
            }
        }

        private static bool MarkWeak(byte[] elf)
        {
            const int Class64 = 2, LittleEndian = 1;
            if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F') return false;
            if (elf[4] != Class64 || elf[5] != LittleEndian) return false;

            var sections = (long)BitConverter.ToUInt64(elf, 0x28);
            int sectionSize = BitConverter.ToUInt16(elf, 0x3a), sectionCount = BitConverter.ToUInt16(elf, 0x3c);
            for (var i = 0; i < sectionCount; i++)
            {
                var section = sections + (long)i * sectionSize;
                if (BitConverter.ToUInt32(elf, (int)section + 4) != SectionGnuVersionNeeded) continue;
                var strings = sections + (long)BitConverter.ToUInt32(elf, (int)section + 0x28) * sectionSize;
                return MarkWeak(elf, Offset(elf, section), Offset(elf, strings), BitConverter.ToUInt32(elf, (int)section + 0x2c));
            }
            return false;
        }

        private static bool MarkWeak(byte[] elf, long need, long strings, uint libraries)
        {
            var found = false;
            for (var library = 0u; library < libraries; library++)
            {
                int versions = BitConverter.ToUInt16(elf, (int)need + 2);
                var version = need + BitConverter.ToUInt32(elf, (int)need + 8);
                for (var i = 0; i < versions; i++)
                {
                    if (Text(elf, strings + BitConverter.ToUInt32(elf, (int)version + 8)) == TooNew)
                    {
                        elf[version + 4] |= (byte)VersionFlagWeak;
                        found = true;
                    }
                    version += BitConverter.ToUInt32(elf, (int)version + 12);
                }
                need += BitConverter.ToUInt32(elf, (int)need + 12);
            }
            return found;
        }

        private static long Offset(byte[] elf, long section)
        {
            return (long)BitConverter.ToUInt64(elf, (int)section + 0x18);
        }

        private static string Text(byte[] elf, long at)
        {
            var end = Array.IndexOf(elf, (byte)0, (int)at);
            return Encoding.ASCII.GetString(elf, (int)at, end - (int)at);
        }
    }
}
