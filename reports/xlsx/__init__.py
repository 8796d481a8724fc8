"""The XLSX report, and the workbooks of other reports: created by XlsxWriter, with rows streamed into them."""
